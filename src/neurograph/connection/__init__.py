"""Connections to one file: how they are opened, set up, shared between threads, and guarded.

| file | responsibility |
|---|---|
| `location.py` | what the path names: a file, its header, or a database in memory |
| `guard.py` | what else holds the file: foreign descriptors, network file systems |
| `settings.py` | each setting of a connection as one small function with its reason |
| `turn.py` | whose turn it is to use the writing connection: a fair, re-entrant lock |
| `refusal.py` | SQLite's errors, said in our words where we know more than SQLite does |
| `session.py` | the connections of one open file, transactions and snapshots over them |
| `result.py` | the rows of one statement, already fetched |
"""
