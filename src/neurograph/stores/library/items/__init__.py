"""Items and their vectors: written, read, listed, loaded.

| file | what it does |
|---|---|
| `single.py` | one item |
| `many.py` | many in one call |
| `batch.py` | columns checked before anything is written |
| `writing.py` | the statements |
| `lengths.py` | between which lengths the vectors lie |
| `listing.py` | in order of id |
| `loading.py` | files of word vectors |
"""
