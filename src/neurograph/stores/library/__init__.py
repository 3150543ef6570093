"""Vector spaces: libraries, their items and vectors, and who is near.

| file | what it does |
|---|---|
| `store.py` | `db.library`: create, load, get, list, drop |
| `library.py` | a `Library`, put together from its parts |
| `base.py` | what every part has: the space, and the item an argument means |
| `items/` | items and vectors written, read, listed, loaded |
| `nearest/` | exact search, by rows and by codes, and search that may miss some |
| `partitions/` | what `library.optimize()` makes, for a process that was just started |
| `texts/` | encoders, kept vectors of texts, words found by the text index |
| `places/` | principal components, and the semantic space they make |
| `vectors.py` | vectors at the door: checked, and made bytes |
| `pages.py` | pages given back |
"""

from .library import Library
from .store import Libraries

__all__ = ["Libraries", "Library"]
