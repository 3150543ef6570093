"""Where numba is installed and can't be imported, everything is answered without it, and what needs it says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from processes import python

pytestmark = pytest.mark.kernels
WHY = "Numba needs NumPy 1.0 or less"
BEGIN = """
    import sys

    if len(sys.argv) > 1:
        sys.path.insert(0, sys.argv[1])
    else:
        sys.modules["numba"] = None
    import numpy as np

    import neurograph
    from neurograph.derived import policy

    policy.NUMBA_START_S = policy.COMPILE_S = policy.ROW_READ_S = 0.0
    numbers = np.random.default_rng(1)
    vectors = numbers.normal(size=(5000, 8)).astype(np.float32)
"""
ANSWERS = """
    from neurograph.derived import text_parser
    from neurograph.errors import NotHere
    from neurograph.vectors import top_k

    with neurograph.open(":memory:") as db:
        library = db.library.create("l", dimension=8)
        library.add(vectors)
        exact = library.search(vectors[0], k=3, engine="sqlite-vec")
        assert library.search(vectors[0], k=3) == library.search(vectors[0], k=3) == exact
        assert library.search(vectors[0], k=3, exact=False).recall == 1.0
        try:
            library.search(vectors[0], k=3, engine="numba")
        except NotHere as error:
            print(error)
        ids = db.tokens.create_many(count=5000, coordinates={"physical": vectors[:, :3]})
        db.graph.create_many(ids[:-1], ids[1:])
        for _ in range(2):
            assert len(db.graph.bfs(1)) == 5000
            assert len(db.grid.neighbors(1, k=3, level="physical")) == 3
    for _ in range(2):
        assert top_k(vectors[:64], vectors, 1).indices[:, 0].tolist() == [*range(64)]
    assert text_parser.text_parser(1 << 40) is None
"""
REFUSED = """
    from neurograph.errors import NotHere

    try:
        with neurograph.open(":memory:", engine="numba") as db:
            db.tokens.create_many(count=2)
            db.graph.bfs(1)
    except NotHere as error:
        print(error)
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a folder with a numba that doesn't fit the numpy that is here."""
    (tmp_path / "numba").mkdir()
    (tmp_path / "numba" / "__init__.py").write_text(f"raise ImportError({WHY!r})\n", encoding="utf-8")
    return tmp_path


def test_all_is_answered_without_it(broken):
    said = python(BEGIN + ANSWERS, broken)
    assert said.startswith(f"engine='numba' needs kernels and codes, and numba can't be imported ({WHY})")


def test_a_module_that_is_blocked_is_not_there():
    assert "and numba is not installed" in python(BEGIN + ANSWERS)


def test_an_engine_that_was_asked_for_by_name_says_why_it_is_not_here(broken):
    said = python(BEGIN + REFUSED, broken)
    assert said == f'engine="numba" needs kernels, and numba can\'t be imported ({WHY}); or use engine="auto"\n'
    assert python(BEGIN + REFUSED).startswith('engine="numba" needs kernels, and numba is not installed')
