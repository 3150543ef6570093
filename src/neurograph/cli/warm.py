"""`ngdb warm`: compile every kernel now, so that no first answer waits for it."""

from __future__ import annotations

from ..progress import seconds_text
from .command import command, json_option
from .facts import kernels_path
from .output import note, write_json


@command("warm", "ngdb warm", "NUMBA_CACHE_DIR=/var/cache/ngdb ngdb warm", "ngdb warm --json")
@json_option
def warm(as_json: bool) -> None:
    """Compile the kernels now, so that no first answer waits.

    Each is run once on a small mind that is thrown away. Every process of this user then loads the compiled code. It
    is kept beside the package, or where that can't be written in the user's cache folder; the variable
    NUMBA_CACHE_DIR names another.
    """
    usable = kernels_path()
    if not usable["on"]:
        if as_json:
            write_json({"kernels": 0, "compiled": 0, "folders": [], "seconds": 0.0})
        note(f"kernels are off: {usable['why']}")
        return
    from ..database import open as open_database
    from ..flows.warm import warm_kernels

    warmed = warm_kernels(open_database)
    if as_json:
        write_json({**warmed._asdict(), "folders": list(warmed.folders), "seconds": round(warmed.seconds, 3)})
        return
    what = f"{warmed.compiled} compiled" if warmed.compiled else "all were compiled before"
    print(f"{warmed.kernels} kernels, {what}, in {seconds_text(warmed.seconds)}")
    for folder in warmed.folders:
        print(f"  {folder}")
