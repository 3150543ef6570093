"""One query over everything: vectors, words, graph and space, fused and explained.

| file | what it does |
|---|---|
| `question.py` | what is asked, checked |
| `plan.py` | which legs can answer it, and why the others can't; texts made vectors |
| `legs.py` | each leg's ranking of candidates |
| `filters.py` | what an SQL condition leaves of tokens |
| `fusion.py` | rankings made one |
| `answer.py` | all of it, on one state of the file |
"""

from __future__ import annotations

from .answer import answer

__all__ = ["answer"]
