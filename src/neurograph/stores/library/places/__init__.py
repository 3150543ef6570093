"""Places of items in three dimensions.

| file | what it does |
|---|---|
| `components.py` | principal components, and coordinates by them |
| `semantic_grid.py` | who is near by those |
"""
