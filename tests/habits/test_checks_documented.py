"""`docs/checks.md` lists every invariant that `check()` looks at, in its order and its words."""

from __future__ import annotations

import re

from repository import ROOT

from neurograph.flows.check import INVARIANTS

PAGE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")


def test_the_page_lists_every_invariant_in_order() -> None:
    listed = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", PAGE, re.M)
    assert listed == [(invariant.name, invariant.message) for invariant in INVARIANTS]
