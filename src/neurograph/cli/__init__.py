"""The command line `ngdb`: what the package does, from a shell.

| file | responsibility |
|---|---|
| `app.py` | the group of all commands, errors as one line, exit codes |
| `exit_codes.py` | the exit codes |
| `command.py` | what commands share: arguments, options, help with examples, opening a file |
| `output.py` | answers as tables, JSON or CSV on stdout; everything else goes to stderr |
| `progress.py` | a line that says how far a long command is |
| `demo.py` | `demo` |
| `file.py`, `facts.py` | `info`, `check`, `optimize`; what they tell |
| `shell.py` | `sql` |
| `transfer.py` | `import`, `export` |
| `graph.py`, `grid.py` | `links`, `bfs`, `path`, `spread`, `pagerank`, `components`; `near`, `range`, `density` |
| `library.py`, `library_load.py`, `library_care.py` | `library create`, `list` …; `load`, `add`; `index` … |
| `library_facts.py`, `library_options.py` | what `library info` tells; the options these commands share |
| `meaning.py`, `query.py` | `search`, `embed`; `query` |
| `kv.py` | `kv get`, `set`, `list`, `delete` |
| `queue.py`, `queue_care.py`, `worker.py` | `queue publish`, `claim` …; `tail`, `stats` …; `worker` |
| `warm.py` | `warm` |
"""

from __future__ import annotations


def main() -> None:
    """Run `ngdb` with the arguments of this process, and exit."""
    from .app import ngdb

    ngdb()
