"""Import and export of tokens and edges, and import of items, as CSV, TSV, JSON lines and Parquet, plain or gzipped.

| file | responsibility |
|---|---|
| `formats.py` | files as rows of named values, and back |
| `rows.py` | a row of a file as the columns of a token, an edge or an item |
| `staging.py` | an import from its first line to its last transaction: resumed, dropped, all or nothing |
| `items.py` | rows with texts or vectors into a library |
| `export.py` | tables as files that import gives back |
"""

from .export import export_edges, export_tokens
from .items import Added, import_items
from .staging import Imported, drop_import, import_edges, import_tokens

__all__ = [
    "Added",
    "Imported",
    "drop_import",
    "export_edges",
    "export_tokens",
    "import_edges",
    "import_items",
    "import_tokens",
]
