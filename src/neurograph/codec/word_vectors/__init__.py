"""Files of word vectors as a stream of words and rows of float32: GloVe, word2vec, fastText's `.vec`, `.npy`.

| module | holds |
|---|---|
| `opening` | `open_word_vectors`: path and options in, a reader out |
| `reader` | the reader: words spelled, rows checked, filtered, and handed out in batches |
| `source` | the bytes of a file, out of gz, bz2 or zip as needed, and how many were read |
| `detection` | which format the bytes are of |
| `text`, `binary`, `npy` | the rows of each format, one module each |
| `spelling` | the bytes of a word as text |
| `seen` | which words came before, in 16 bytes a word |
| `rows` | what the formats hand to the reader |

Nothing here knows the database, and memory stays bounded: a block of the file, a batch, and 16 bytes a word (`seen`).
"""

from .opening import open_word_vectors
from .reader import WordVectors
from .rows import Skipped

__all__ = ["Skipped", "WordVectors", "open_word_vectors"]
