"""Nearest neighbors: one answer by several ways.

| file | what it does |
|---|---|
| `search.py` | the methods |
| `ways.py` | which way answers |
| `words.py` | questions about several items |
| `choice.py` | which items a question is about |
| `distance.py` | the one distance that orders every answer |
| `scan.py` | exact, from rows, by sqlite-vec |
| `arrays.py`, `coded.py` | exact, from codes in memory, by kernels |
| `bits.py`, `approximate.py` | from one bit a number, where some may be missing |
| `calibration.py`, `points.py`, `recalling.py` | how many candidates that takes, and what it finds |
| `vec0.py` | a `vec0` table for those who want its SQL |
"""
