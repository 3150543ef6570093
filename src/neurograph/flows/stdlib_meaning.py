"""What `ngdb demo` asks of the standard library by meaning, and the docstrings as vectors.

Invariants
----------
1. ``sql`` asks `ng_knn` or `ng_hybrid`; its first column is a label.
2. `Question.includes` holds on Python 3.11, 3.12 and 3.13, with the default encoder.
3. The library's texts are what the vectors were made of, so another encoder can make them anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..errors import NotHere
from .stdlib_columns import Source
from .stdlib_questions import Question

if TYPE_CHECKING:
    import numpy as np

    from ..database import Database
    from ..embed.engine import EmbeddingEngine

LIBRARY = "docstrings"

MEANING = (
    Question(
        "means",
        "What splits a command line into words, as a shell does?",
        """
select k.key as label, round(k.distance, 3) as distance, t.properties ->> '$.summary' as says
  from ng_knn('docstrings', ng_embed('docstrings', 'split a command line into words, as a shell does'), 8) as k
  join item as i on i.id = k.id
  join token as t on t.id = i.token_id
 order by k.distance, k.id
""",
        "db.library.get('docstrings').search('split a command line into words, as a shell does', k=8)",
        ("shlex.split", "shlex.join"),
    ),
    Question(
        "called",
        "What compares two texts line by line, and from how many places is it called?",
        """
select k.key as label, round(k.distance, 3) as distance, count(e.source) as callers
  from ng_knn('docstrings', ng_embed('docstrings', 'compare two texts line by line and show what differs'), 8) as k
  join item as i on i.id = k.id
  left join edge as e
    on e.target = i.token_id and e.type = (select code from connection_type where name = 'calls')
 group by k.id
 order by k.distance, k.id
""",
        "db.library.get('docstrings').search('compare two texts line by line and show what differs', k=8)",
        ("difflib.Differ", "difflib.context_diff"),
    ),
    Question(
        "classes",
        "Which classes make a temporary file or folder?",
        """
select k.key as label, round(k.distance, 3) as distance
  from ng_knn('docstrings', ng_embed('docstrings', 'create a temporary file or directory'), 8) as k
 where k.among in (
         select i.id from item as i join token as t on t.id = i.token_id where t.properties ->> '$.kind' = 'class')
 order by k.distance, k.id
""",
        "db.library.get('docstrings').search('create a temporary file or directory', k=8,"
        " where=\"token.properties ->> '$.kind' = 'class'\")",
        ("tempfile.TemporaryDirectory",),
    ),
    Question(
        "said",
        "What is said in words like those of statistics.median?",
        """
select k.key as label, round(k.distance, 3) as distance, t.properties ->> '$.summary' as says
  from ng_knn('docstrings', 'statistics.median', 8) as k
  join item as i on i.id = k.id
  join token as t on t.id = i.token_id
 order by k.distance, k.id
""",
        "db.library.get('docstrings').search(key='statistics.median', k=8)",
        ("statistics.median_low", "statistics.median_high", "statistics.mean"),
    ),
    Question(
        "together",
        "What removes a folder with all that is in it, by meaning, by words and by who calls whom?",
        """
select t.label, round(h.score, 4) as score,
       (select group_concat(value ->> 'leg' || ' ' || (value ->> 'rank'), ', ') from json_each(h.legs)) as places
  from ng_hybrid('remove a directory tree', 8) as h
  join token as t on t.id = h.id
 order by h.score desc, h.id
""",
        "db.query('remove a directory tree', k=8)",
        ("shutil.rmtree",),
    ),
)


class Docstrings(NamedTuple):
    """The texts of a library, ready to be stored."""

    engine: EmbeddingEngine
    """What made the vectors."""
    places: list[int]
    """Position in `Source.symbols` of what each is about."""
    texts: list[str]
    """The name in words, and the first paragraph of the docstring: rarer words further down make both less like."""
    vectors: np.ndarray
    """(n, dimension) float32."""


def default_encoder() -> EmbeddingEngine | str:
    """Return the default encoder, or why it is not here and the command that brings it."""
    from ..embed.engine import EmbeddingEngine

    try:
        engine = EmbeddingEngine.default()
        engine.dimension  # noqa: B018 - loads it, and what it needs
    except NotHere as error:
        return str(error)
    return engine


def embed_docstrings(source: Source, engine: EmbeddingEngine) -> Docstrings:
    """Make vectors of all docstrings: 8,700 in 0.35 s on two cores."""
    places = [place for place, symbol in enumerate(source.symbols) if symbol.docstring]
    texts = []
    for place in places:
        symbol = source.symbols[place]
        first = " ".join(symbol.docstring.partition("\n\n")[0].split())
        texts.append(f"{symbol.label.replace('.', ' ').replace('_', ' ')}: {first}")
    return Docstrings(engine, places, texts, engine.embed_batch(texts))


def write_docstrings(db: Database, source: Source, ids: np.ndarray, made: Docstrings) -> None:
    """Write the library with a text index: an item for each docstring, which belongs to the token it is about."""
    db.library.create(LIBRARY, model=made.engine, text_index=True).add(
        made.vectors,
        keys=[source.symbols[place].label for place in made.places],
        texts=made.texts,
        tokens=ids[made.places].tolist(),
        model=made.engine.identity,
    )
