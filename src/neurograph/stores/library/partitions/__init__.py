"""Partitions: vectors by the nearest of some centroids, so that a search reads few of them.

| file | what it does |
|---|---|
| `optimizing.py` | `library.optimize()` |
| `build.py` | made and kept true, slice by slice |
| `training.py` | the centroids |
| `places.py` | which vector belongs where |
| `codes.py`, `turn.py` | what is kept of a vector |
| `rows.py` | vectors as they are read for it |
| `measure.py` | how far to look for a recall |
| `nearest.py` | a search, in SQL |
| `layout.py` | how arrays in memory lie by partition |
"""
