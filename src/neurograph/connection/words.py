"""What a piece of SQL begins with: enough to tell the words that control transactions from everything else."""

from __future__ import annotations

SPACE = " \t\n\r\f\v;\ufeff"  # what SQLite skips between statements, a byte order mark included

TRANSACTION_WORDS = frozenset({"begin", "commit", "end", "release", "rollback", "savepoint"})

# These can't run inside a transaction, or mean something else there, or belong to one connection.
ALONE = frozenset({"attach", "detach", "pragma", "vacuum"})


def first_word(sql: str) -> str:
    """Return the first word of `sql` in lower case, behind spaces, semicolons and comments; may be empty."""
    text = sql.lstrip(SPACE)
    while text.startswith(("--", "/*")):
        text = text.partition("\n" if text[0] == "-" else "*/")[2].lstrip(SPACE)
    head = text[:10]
    for at, letter in enumerate(head):
        if not letter.isalpha():
            return head[:at].lower()
    return head.lower()


def is_several(sql: str) -> bool:
    """Tell whether `sql` may hold more than one statement; a semicolon in a literal counts too."""
    return ";" in sql.rstrip(SPACE)
