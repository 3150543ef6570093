"""`EmbeddingEngine`: what the user calls. It finds the files, checks what comes in, and loads the model when asked."""

from __future__ import annotations

import os
import threading

from ..errors import InvalidValue
from ..model.identity import Identity
from ..model.names import unknown_name
from .places import PRECISIONS, Places, places
from .settings import Settings, settings
from .tokens import check_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Self

    import numpy as np

    from .running import Running

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

INPUT_TYPES = ("document", "query")
_AT_ONCE = 2048  # texts tokenised before the first is run: enough to sort, 10 MB of ids


class EmbeddingEngine:
    """Make vectors of text with an encoder that lies on this machine.

    Nothing is downloaded, and nothing is loaded before the first vector is asked for. What lies in the folder decides
    how the model is used; `model=` takes the settings of a known one instead, and arguments come before both.

    Parameters
    ----------
    path
        A folder as sentence-transformers lays it out (`model.onnx` or `onnx/model*.onnx`, `tokenizer.json`, and of
        `config.json`, `modules.json`, `1_Pooling/config.json`, `sentence_bert_config.json` what is there), an `.onnx`
        file, or a `.safetensors` file with one table of vectors, a row a token.
    model
        Name of a known model whose settings are taken: `"all-MiniLM-L6-v2"`, `"bge-small-en-v1.5"`, `"e5-base-v2"` …
    precision
        `"float32"`, `"float16"` or `"int8"`: which file of the folder. Without it float32 where it is there.
    pooling
        `"mean"` of the tokens, `"cls"`: the first, `"max"` or `"last"`.
    normalize
        Whether vectors are brought to length 1.
    max_tokens
        Tokens of a text that are read, special ones included; the tokenizer cuts off the rest.
    query_prefix, document_prefix
        What is put before a query and a document.
    batch_size
        Most texts to run at once, from 1.
    threads
        Threads, from 1; one for each core unless said. Batches run side by side; one text shares them.
    providers
        Of onnxruntime, the first choice first; the processor unless said.
    tokenizer
        Path of the `tokenizer.json`, where it is not beside the model.

    Raises
    ------
    FileMissing
        Nothing is at `path`, or the model or its tokenizer is missing there.
    InvalidValue
        An argument breaks its rule, or the files ask for what is not supported.
    UnknownName
        No known model, pooling or precision has that name; the message names the closest.

    Examples
    --------
    >>> engine = EmbeddingEngine.default()
    >>> engine.embed("a small cat").shape
    (256,)
    >>> engine
    EmbeddingEngine('wordllama-l2-supercat-256', dimension=256)

    Notes
    -----
    A text has the same vector alone and in a batch, but for rounding (1e-6 of cosine in float32). An int8 file scales
    its numbers by the batch they are in, so its vectors differ more. May be used from several threads at once; a
    process that was forked loads the model again. Ctrl-C is heard between batches.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        model: str | None = None,
        precision: str | None = None,
        pooling: str | None = None,
        normalize: bool | None = None,
        max_tokens: int | None = None,
        query_prefix: str | None = None,
        document_prefix: str | None = None,
        batch_size: int = 32,
        threads: int | None = None,
        providers: Sequence[Any] | None = None,
        tokenizer: str | os.PathLike[str] | None = None,
    ) -> None:
        from pathlib import Path

        for name, place in (("path", path), ("tokenizer", path if tokenizer is None else tokenizer)):
            if not isinstance(place, str | os.PathLike):
                raise InvalidValue(f"{name} must be a path, got {place!r}")
        if precision is not None and precision not in PRECISIONS:
            raise unknown_name("precision", precision, PRECISIONS)
        for name, value in (("batch_size", batch_size), ("threads", 1 if threads is None else threads)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidValue(f"{name} must be a whole number from 1, got {value!r}")
        if isinstance(providers, str):
            raise InvalidValue(f"providers must be a list of names, got {providers!r}; write [{providers!r}]")
        if providers is not None and not (isinstance(providers, list | tuple) and all(map(_is_provider, providers))):
            raise InvalidValue(
                f"providers must be a list of names, each alone or with its options, got {providers!r}; "
                "write ['CPUExecutionProvider']"
            )
        found = places(Path(path), precision, None if tokenizer is None else Path(tokenizer))
        chosen = settings(
            found.folder,
            model,
            pooling=pooling,
            normalize=normalize,
            max_tokens=max_tokens,
            query_prefix=query_prefix,
            document_prefix=document_prefix,
        )
        self._set(found, chosen, precision, batch_size, threads, providers)

    def _set(
        self,
        found: Places,
        chosen: Settings,
        precision: str | None,
        batch_size: int,
        threads: int | None,
        providers: Sequence[Any] | None,
    ) -> None:
        self._places = found
        self._settings = chosen
        self._precision = precision
        self._batch_size = batch_size
        self._threads = threads
        self._providers = providers
        self._lock = threading.Lock()
        self._running: Running | None = None
        self._identity: Identity | None = None

    @classmethod
    def default(cls, *, batch_size: int = 32) -> Self:
        """Return the small encoder that `pip install "neurograph[text]"` brings: English, 256 numbers.

        Parameters
        ----------
        batch_size
            Most texts to run at once, from 1.

        Returns
        -------
        EmbeddingEngine
            A table of vectors, a row a token, and the mean of a text's tokens: fast, and blind to their order. An
            encoder of your own understands more.

        Raises
        ------
        NotHere
            The extra `text` is not installed.

        Examples
        --------
        >>> engine = EmbeddingEngine.default()
        >>> near, far = engine.embed_batch(["a kitten sleeps", "the stock market fell"])
        >>> query = engine.embed_query("cats")
        >>> bool(query @ near > query @ far)
        True
        """
        from .default import DEFAULT_MAX_TOKENS, DEFAULT_NAME, default_places

        weights, tokenizer = default_places()
        engine = cls(weights, tokenizer=tokenizer, batch_size=batch_size, max_tokens=DEFAULT_MAX_TOKENS)
        engine._settings = engine._settings._replace(model=DEFAULT_NAME)
        return engine

    @property
    def dimension(self) -> int:
        """Numbers in a vector. Loads the model."""
        return self._load().dimension

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, special ones included."""
        return self._settings.max_tokens

    @property
    def identity(self) -> Identity:
        """What makes the vectors what they are, for documents. Loads the model and reads its files once more."""
        if self._identity is None:
            from .digest import tokenizer_sha256, weights_sha256

            running = self._load()
            self._identity = Identity(
                model=self._settings.model,
                weights_sha256=weights_sha256(self._places.weights),
                tokenizer_sha256=tokenizer_sha256(self._places.tokenizer),
                precision=running.precision,
                pooling=running.pooling,
                normalize=self._settings.normalize,
                max_tokens=self._settings.max_tokens,
                query_prefix=self._settings.query_prefix,
                document_prefix=self._settings.document_prefix,
                input_type="document",
            )
        return self._identity

    def embed(self, text: str) -> Vectors:
        """Return the vector of one document.

        Parameters
        ----------
        text
            Any length; what is beyond `max_tokens` is cut off. An empty text is one of special tokens only, and the
            zero vector where the tokenizer adds none.

        Returns
        -------
        (d,) float32

        Raises
        ------
        InvalidValue
            It is not a str, or holds a lone surrogate.
        NotHere
            onnxruntime or tokenizers is not installed, or lacks the provider.
        CannotOpen
            The model or its tokenizer is damaged.

        Examples
        --------
        >>> engine = EmbeddingEngine.default()
        >>> bool(engine.embed("a cat") @ engine.embed("cats") > 0.5)
        True

        Notes
        -----
        Grows with the tokens. Seconds for the first call, which loads the model.
        """
        return self._one(text, "document")

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of one query: what looks for documents.

        Parameters
        ----------
        text
            As `embed` takes it; the model's query prefix is put before it.

        Returns
        -------
        (d,) float32

        Raises
        ------
        InvalidValue, NotHere, CannotOpen
            As `embed`.

        Examples
        --------
        >>> EmbeddingEngine.default().embed_query("what is small and purrs?").dtype
        dtype('float32')
        """
        return self._one(text, "query")

    def embed_batch(self, texts: Iterable[str], input_type: str = "document") -> Vectors:
        """Return the vectors of several texts, in their order.

        Parameters
        ----------
        texts
            Any number of str, in any order: they are sorted by length here, a few thousand at a time.
        input_type
            `"document"` or `"query"`: which prefix is put before them.

        Returns
        -------
        (n, d) float32
            (0, d) where there is no text.

        Raises
        ------
        InvalidValue
            One of them is not a str, or holds a lone surrogate; the message says which.
        NotHere, CannotOpen
            As `embed`.

        Examples
        --------
        >>> EmbeddingEngine.default().embed_batch(["one", "two", "three"]).shape
        (3, 256)

        Notes
        -----
        Grows with the tokens. Memory: the vectors, and one batch's work.
        """
        import numpy as np

        parts = list(self.embed_stream(texts, input_type))
        if not parts:
            return np.empty((0, self.dimension), np.float32)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def embed_stream(self, texts: Iterable[str], input_type: str = "document") -> Iterator[Vectors]:
        """Yield the vectors of any number of texts, in their order, a part at a time.

        Parameters
        ----------
        texts
            Read as they are needed, a few thousand ahead.
        input_type
            `"document"` or `"query"`.

        Yields
        ------
        (n, d) float32
            The next vectors, at most 2,048 or 64 batches of them.

        Raises
        ------
        InvalidValue, NotHere, CannotOpen
            As `embed_batch`.

        Examples
        --------
        >>> lines = (f"line {n}" for n in range(5000))
        >>> [len(part) for part in EmbeddingEngine.default().embed_stream(lines)]
        [2048, 2048, 904]
        """
        from itertools import islice

        if isinstance(texts, str | bytes):
            raise InvalidValue(f"texts must be several, got {type(texts).__name__}; `embed` takes one")
        if input_type not in INPUT_TYPES:
            raise unknown_name("input_type", input_type, INPUT_TYPES)
        waiting = iter(texts)
        first = 0
        while part := list(islice(waiting, max(_AT_ONCE, 64 * self._batch_size))):
            for place, text in enumerate(part, first):
                check_text(f"texts[{place}]", text)
            yield self._run(part, input_type)
            first += len(part)

    def _one(self, text: str, input_type: str) -> Vectors:
        check_text("text", text)
        vector: Vectors = self._run([text], input_type)[0]
        return vector

    def _run(self, texts: Sequence[str], input_type: str) -> Vectors:
        chosen = self._settings
        prefix = chosen.query_prefix if input_type == "query" else chosen.document_prefix
        return self._load().vectors([prefix + text for text in texts] if prefix else texts, self._batch_size)

    def _load(self) -> Running:
        """Return the model, loaded once a process: a session's threads do not survive a fork."""
        running = self._running
        if running is None or running.process != os.getpid():
            with self._lock:
                running = self._running
                if running is None or running.process != os.getpid():
                    from .running import Running

                    running = Running(self._places, self._settings, self._precision, self._threads, self._providers)
                    self._running = running
        return running

    def __repr__(self) -> str:
        said = f", dimension={self._running.dimension}" if self._running else ""
        return f"EmbeddingEngine({self._settings.model!r}{said})"

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what another process makes for itself."""
        return {name: value for name, value in vars(self).items() if name not in {"_lock", "_running"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock(), _running=None)


def _is_provider(given: object) -> bool:
    """Tell whether it is a name, or a name and a dict of its options."""
    name, options = given if isinstance(given, tuple) and len(given) == 2 else (given, {})
    return isinstance(name, str) and isinstance(options, dict)
