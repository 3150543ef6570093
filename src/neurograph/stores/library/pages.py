"""Pages that nothing uses any more go back to the system."""

from __future__ import annotations

from ...connection.session import Session

WORTH = 10  # where free pages are more than one in so many


def give_back(session: Session) -> None:
    """Give free pages back, where there are many; inside the caller's transaction where one is open."""
    free, pages = session.rows("select freelist_count, page_count from pragma_freelist_count, pragma_page_count")[0]
    if free * WORTH > pages:
        session.change(f"pragma incremental_vacuum({free})")
