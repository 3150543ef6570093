"""Which files of a folder are the model.

1. A folder is read as sentence-transformers lays it out: ``model.onnx`` or ``onnx/model*.onnx``, ``tokenizer.json``.
2. The precision is what a file's name says, then what the file itself says (`OnnxEncoder`); of several files of one
   precision the one with the shortest name is taken, then the first by alphabet, the folder's own before ``onnx/``.
3. Without `precision`, float32 is taken where it is there; else there must be one precision to choose from.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import FileMissing, InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

PRECISIONS = ("float32", "float16", "int8")
# As Optimum, Transformers.js and sentence-transformers name their files.
_MARKS = {"int8": ("int8", "quantized", "_q8"), "float16": ("fp16", "float16", "half"), None: ("q4", "bnb4", "int4")}


class Places(NamedTuple):
    """Where the parts of a model are."""

    folder: Path
    weights: Path
    tokenizer: Path


def places(path: Path, precision: str | None, tokenizer: Path | None = None) -> Places:
    """Return the files to use for a folder, an ``.onnx`` file or a ``.safetensors`` table.

    Raises
    ------
    FileMissing
        Nothing is at `path`, or the folder lacks the weights or ``tokenizer.json``.
    InvalidValue
        The folder has no file of that precision, or several and none was asked for.
    """
    if not path.exists():
        raise FileMissing(f"path must be a folder or file with an encoder, got {str(path)!r}; nothing is there")
    if path.is_dir():
        folder, weights = path, _weights(path, precision)
    else:
        if path.suffix.lower() not in {".onnx", ".safetensors"}:
            raise InvalidValue(f"path must be a folder, an .onnx file or a .safetensors file, got {str(path)!r}")
        folder, weights = path.parent, path
        if folder.name == "onnx" and not (folder / "tokenizer.json").exists():
            folder = folder.parent
        said = precision_of_name(path.name)
        if precision is not None and said != precision and said != "float32":
            raise InvalidValue(f"precision must be {said!r}, as the file's name says, got {precision!r}")
    tokenizer = tokenizer or folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise FileMissing(f"the tokenizer must be at {str(tokenizer)!r}; copy the model's tokenizer.json there")
    return Places(folder, weights, tokenizer)


def precision_of_name(name: str) -> str | None:
    """Return what a file's name says of its precision; None for a kind that is not supported.

    Examples
    --------
    >>> [precision_of_name(f"{name}.onnx") for name in ("model", "model_fp16", "model_qint8_avx512", "model_q4")]
    ['float32', 'float16', 'int8', None]
    """
    lowered = name.lower()
    for precision in (None, "int8", "float16"):  # q4f16 is none of ours
        if any(mark in lowered for mark in _MARKS[precision]):
            return precision
    return "float32"


def _weights(folder: Path, precision: str | None) -> Path:
    found: dict[str, list[Path]] = {}
    for path in [*folder.glob("*.onnx"), *(folder / "onnx").glob("*.onnx")]:
        said = precision_of_name(path.name)
        if said is not None:
            found.setdefault(said, []).append(path)
    if not found:
        remedy = "export the model to ONNX"
        if any(folder.glob("*.safetensors")):
            remedy = "`neurograph.convert_encoder` makes it of the folder's safetensors"
        raise FileMissing(f"the folder must hold model.onnx or onnx/model.onnx, got {str(folder)!r}; {remedy}")
    if precision is None:
        precision = "float32" if "float32" in found else next(iter(found))
        if precision not in found or (precision != "float32" and len(found) > 1):
            raise InvalidValue(f"precision must be given, one of {sorted(found)}: the folder has no float32 file")
    if precision not in found:
        raise InvalidValue(f"precision must be one of {sorted(found)}, which the folder has, got {precision!r}")
    return min(found[precision], key=lambda path: (path.parent != folder, len(path.name), path.name))
