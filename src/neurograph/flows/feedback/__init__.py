"""Feedback on answers: stored, effective, and undone byte for byte.

| file | what it does |
|---|---|
| `learning.py` | the rules by which values learn |
| `rows.py` | rows that feedback may change: read, compared, put back |
| `effects.py` | what each kind of feedback changes |
| `feedbacks.py` | `db.feedback`: give, get, list, undo |
"""

from __future__ import annotations

from .feedbacks import Feedbacks

__all__ = ["Feedbacks"]
