"""Connections to one file: how they are opened, set up, shared between threads, and guarded.

| file | responsibility |
|---|---|
| `location.py` | what the path names: a file, its header, or a database in memory |
| `guard.py` | what else holds the file: foreign descriptors, network file systems |
| `forked.py` | what a forked process inherited and must not touch |
| `settings.py` | the options of `open`, and each setting of a connection as one small function with its reason |
| `line.py` | one connection with its deadline, its undone work, and the way to stop it |
| `pool.py` | the reading connections |
| `turn.py` | whose turn it is to use the writing connection: a fair, re-entrant lock |
| `transactions.py` | transactions, savepoints and what is pinned to a thread and task |
| `session.py` | the connections of one open file, and which of them serves a call |
| `scope.py` | the contexts: transaction, snapshot, several reads of one state |
| `statement.py`, `words.py`, `bindings.py` | a user's own SQL: one call, all of it or none of it |
| `streaming.py` | rows one by one |
| `passing.py` | few pages kept while much is read once |
| `explanation.py` | how a statement was answered |
| `paths.py` | which ways were taken inside it |
| `result.py` | the rows of one statement, already fetched |
| `handle.py` | what a user does with all that: the part of a database that needs no store |
| `refusal.py` | SQLite's errors, said in our words where we know more than SQLite does |
| `closing.py` | what the last handle does to the file |
"""
