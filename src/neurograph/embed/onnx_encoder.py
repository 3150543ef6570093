"""Token ids to vectors by an ONNX file and onnxruntime.

1. The file is asked for what it takes: `input_ids`, and `attention_mask`, `token_type_ids` and `position_ids` where it
   wants them, each as int64 or int32. Batch and length must be free.
2. Of its outputs one is used: the first with a vector for each token, pooled here; else the first with a vector for
   each text, which the file has pooled.
3. An `OnnxEncoder` may be called from several threads at once, and is: `workers` batches of a call run side by side.
   Batches need not wait for one another as the threads within one do: 600 glosses with their examples in 1.15 s,
   against 1.3 s one batch after the other, on two cores that others used as well.
4. A session that a fork inherited is never closed in the child: closing waits for threads that are not there, for ever.
   The child loads a session of its own (`EmbeddingEngine`). A child that ends by `sys.exit` hangs in onnxruntime's own
   end whatever we do (1.31); those of multiprocessing end by `os._exit`.
5. Threads that have nothing to do sleep. onnxruntime's own choice, that they spin, took 3.7 s for those glosses where
   the cores had other work, and 10 % less than sleeping at best.
"""

from __future__ import annotations

import os
import weakref

from ..errors import CannotOpen, InvalidValue, NotHere
from .places import PRECISIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import numpy as np

MOST_TOKENS = 512
"""Tokens in a batch: what fits a core's cache. 256 to 1,024 are alike, 4,096 took 1.3 times as long."""
MOST_TOKENS_ELSEWHERE = 16_384
"""On other providers, which want large batches: 0.4 GB of attention for 32 texts of 512 tokens and 12 heads."""
_sessions: weakref.WeakSet[Any] = weakref.WeakSet()
_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
_INT_TYPES = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
_FLOAT_TYPES = {"tensor(float)": None, "tensor(float16)": "float16", "tensor(double)": None}


class OnnxEncoder:
    """One session of onnxruntime.

    Parameters
    ----------
    path
        The ``.onnx`` file.
    threads
        Threads; None is one for each core this process may use.
    providers
        As onnxruntime takes them; None is the processor.
    """

    special_tokens = True

    def __init__(self, path: Path, threads: int | None, providers: Sequence[Any] | None) -> None:
        onnxruntime = _onnxruntime()
        _check_providers(onnxruntime, providers)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.workers = threads or usable_cores()
        options.intra_op_num_threads = self.workers
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # what goes wrong is raised; the rest is about how the file was exported
        # A file is trusted with numbers, not with code: no custom operators are registered here.
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=list(providers or ["CPUExecutionProvider"])
            )
        except Exception as error:  # onnxruntime's errors share no class but this
            raise CannotOpen(f"{str(path)!r} must be an ONNX file that onnxruntime runs; {error}") from error
        _sessions.add(self._session)
        on_processor = set(self._session.get_providers()) == {"CPUExecutionProvider"}
        self.most_tokens = MOST_TOKENS if on_processor else MOST_TOKENS_ELSEWHERE
        self._types = _input_types(self._session.get_inputs(), path)
        output = _output(self._session.get_outputs(), path)
        self._output = output.name
        self.pools = len(output.shape) == 2
        self.dimension: int | None = output.shape[-1] if isinstance(output.shape[-1], int) else None
        said = self._session.get_modelmeta().custom_metadata_map.get("neurograph.precision")
        self.precision: str | None = said if said in PRECISIONS else _FLOAT_TYPES[output.type]

    def __call__(self, ids: np.ndarray[Any, Any], mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return (n, tokens, d) or, where the file pools, (n, d) float32 of (n, tokens) int64 ids and mask."""
        import numpy as np

        feeds: dict[str, np.ndarray[Any, Any]] = {}
        for name, dtype in self._types.items():
            if name == "token_type_ids":
                feeds[name] = np.zeros(ids.shape, dtype)
            elif name == "position_ids":
                feeds[name] = np.broadcast_to(np.arange(ids.shape[1], dtype=dtype), ids.shape).copy()
            else:
                feeds[name] = (ids if name == "input_ids" else mask).astype(dtype, copy=False)
        try:
            (vectors,) = self._session.run([self._output], feeds)
        except Exception as error:
            raise InvalidValue(f"the model must take token ids of shape {ids.shape}; {error}") from error
        return np.asarray(vectors, np.float32)


def usable_cores() -> int:
    """Return the number of cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # where the system has it
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise NotHere(f'text needs the onnxruntime package; pip install "onnxruntime>=1.20" ({error})') from error
    return onnxruntime


def _check_providers(onnxruntime: Any, providers: Sequence[Any] | None) -> None:
    available = onnxruntime.get_available_providers()
    for provider in providers or ():
        name = provider if isinstance(provider, str) else provider[0]
        if name not in available:
            raise NotHere(
                f"provider must be one that this onnxruntime has, {available}, got {name!r}; "
                "install the build of onnxruntime that has it"
            )


def _input_types(inputs: Sequence[Any], path: Path) -> dict[str, str]:
    names = [value.name for value in inputs]
    if "input_ids" not in names or not set(names) <= set(_INPUTS):
        raise InvalidValue(f"{str(path)!r} must be a text encoder with inputs {list(_INPUTS)}, got {names}")
    for value in inputs:
        if value.type not in _INT_TYPES:
            raise InvalidValue(f"input {value.name!r} must be int64 or int32, got {value.type}")
        if len(value.shape) != 2 or any(isinstance(size, int) and size > 0 for size in value.shape):
            raise InvalidValue(
                f"input {value.name!r} must leave batch and length free, got the shape {value.shape}; "
                "export the model with dynamic axes"
            )
    return {value.name: _INT_TYPES[value.type] for value in inputs}


def _output(outputs: Sequence[Any], path: Path) -> Any:
    # logits are of classifiers and rankers
    floats = [value for value in outputs if value.type in _FLOAT_TYPES and value.name != "logits"]
    for rank in (3, 2):
        for value in floats:
            if len(value.shape) == rank:
                return value
    shapes = {value.name: value.shape for value in outputs}
    raise InvalidValue(f"{str(path)!r} must give a vector for each token, or one for each text, got {shapes}")


def _keep_inherited() -> None:
    """In the child of a fork: give every session a reference that nothing takes back (invariant 4)."""
    import ctypes

    for session in list(_sessions):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_inherited)
