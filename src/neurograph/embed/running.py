"""A model that is loaded: its tokenizer, its encoder, and the way of a text through both.

1. Texts of about one length run together, several batches side by side; their vectors go to the texts' places.
2. A text without a token is not run: it has the zero vector.
"""

from __future__ import annotations

import os

from ..errors import CannotOpen, FileMissing, InvalidValue
from .batches import batches
from .onnx_encoder import OnnxEncoder
from .places import precision_of_name
from .pooling import normalized, pool
from .table_encoder import TableEncoder
from .tokens import Tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import numpy as np

    from .places import Places
    from .settings import Settings


class Running:
    """Loads what `Places` names; raises where the files are not what the settings say."""

    def __init__(
        self,
        places: Places,
        settings: Settings,
        precision: str | None,
        threads: int | None,
        providers: Sequence[Any] | None,
    ) -> None:
        for path in (places.weights, places.tokenizer):
            if not path.is_file():
                raise FileMissing(f"the encoder's files must stay where they were, got no {str(path)!r}")
        self.process = os.getpid()
        self._encoder: OnnxEncoder | TableEncoder
        if places.weights.suffix.lower() == ".safetensors":
            self._encoder = TableEncoder(places.weights)
        else:
            self._encoder = OnnxEncoder(places.weights, threads, providers)
        said = self._encoder.precision or precision_of_name(places.weights.name)
        if said is None:
            raise CannotOpen(
                f"{str(places.weights)!r} must be float32, float16 or int8; its name says another precision"
            )
        if precision not in (None, said):
            raise InvalidValue(f"precision must be {said!r}, as the file says, got {precision!r}")
        self.precision = said
        if self._encoder.pools and settings.pooling not in (None, "mean"):
            raise InvalidValue(f"pooling must be left out, got {settings.pooling!r}; the file gives one vector a text")
        self.pooling = "model" if self._encoder.pools else settings.pooling or "mean"
        self._normalize = settings.normalize
        self._tokens = Tokens(places.tokenizer, settings.max_tokens, self._encoder.special_tokens)
        self.dimension = self._encoder.dimension or self._measured()
        if settings.dimension not in (None, self.dimension):
            raise InvalidValue(
                f"the model must give {settings.dimension} numbers, as {settings.model!r} does, got {self.dimension}; "
                "the file is another model's"
            )

    def vectors(self, texts: Sequence[str], batch_size: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return (n, d) float32, row i of text i."""
        import numpy as np

        ids = self._tokens(texts)
        vectors = np.zeros((len(texts), self.dimension), np.float32)

        def run(batch: np.ndarray[Any, np.dtype[np.int64]]) -> None:
            longest = len(ids[batch[0]])
            padded = np.zeros((len(batch), longest), np.int64)
            mask = np.zeros((len(batch), longest), np.int64)
            for row, place in enumerate(batch):
                padded[row, : len(ids[place])] = ids[place]
                mask[row, : len(ids[place])] = 1
            given = self._encoder(padded, mask)
            vectors[batch] = given if self._encoder.pools else pool(given, mask, self.pooling)

        todo = batches([len(row) for row in ids], batch_size, self._encoder.most_tokens)
        _side_by_side(run, [batch for batch in todo if ids[batch[0]]], self._encoder.workers)
        return normalized(vectors) if self._normalize else vectors

    def _measured(self) -> int:
        """Return the dimension of a file that does not say it."""
        import numpy as np

        ids = np.array([self._tokens(["a"])[0] or [0]], np.int64)
        return int(self._encoder(ids, np.ones_like(ids)).shape[-1])


def _side_by_side(run: Callable[[Any], None], todo: Sequence[Any], workers: int) -> None:
    """Run each; after an error or Ctrl-C none is begun any more, and none is still running."""
    if min(workers, len(todo)) < 2:
        for batch in todo:
            run(batch)
        return
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(min(workers, len(todo)), "neurograph-embed")
    try:
        for _ in executor.map(run, todo):
            pass
    finally:
        executor.shutdown(cancel_futures=True)
