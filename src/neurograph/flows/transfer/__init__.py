"""Import and export of tokens and edges as CSV, TSV, JSON lines and Parquet, plain or gzipped.

| file | responsibility |
|---|---|
| `formats.py` | files as rows of named values, and back |
| `rows.py` | a row of a file as the columns of a token or an edge |
| `staging.py` | an import from its first line to its last transaction: resumed, dropped, all or nothing |
| `export.py` | tables as files that import gives back |
"""

from .export import export_edges, export_tokens
from .staging import Imported, drop_import, import_edges, import_tokens

__all__ = ["Imported", "drop_import", "export_edges", "export_tokens", "import_edges", "import_tokens"]
