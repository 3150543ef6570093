"""BERT, one text and one head at a time, in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def bert(weights: dict[str, Array], ids: list[int], *, heads: int, layers: int, epsilon: float = 1e-12) -> Array:
    """Return the last layer's vector of each token."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    rows = [
        w["embeddings.word_embeddings.weight"][token]
        + w["embeddings.position_embeddings.weight"][place]
        + w["embeddings.token_type_embeddings.weight"][0]
        for place, token in enumerate(ids)
    ]
    value = norm(np.array(rows), w, "embeddings.LayerNorm", epsilon)
    for layer in range(layers):
        name = f"encoder.layer.{layer}"
        attended = linear(attention(value, w, name, heads), w, f"{name}.attention.output.dense")
        value = norm(attended + value, w, f"{name}.attention.output.LayerNorm", epsilon)
        inner = linear(value, w, f"{name}.intermediate.dense")
        active = np.array([[x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in row] for row in inner])
        value = norm(linear(active, w, f"{name}.output.dense") + value, w, f"{name}.output.LayerNorm", epsilon)
    return value


def attention(value: Array, w: dict[str, Array], name: str, heads: int) -> Array:
    query, key, values = (linear(value, w, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
    size = value.shape[1] // heads
    mixed = np.empty_like(value)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = np.exp(query[:, part] @ key[:, part].T / math.sqrt(size))
        mixed[:, part] = scores / scores.sum(axis=1, keepdims=True) @ values[:, part]
    return mixed


def linear(value: Array, w: dict[str, Array], name: str) -> Array:
    return value @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def norm(value: Array, w: dict[str, Array], name: str, epsilon: float) -> Array:
    mean = value.mean(axis=1, keepdims=True)
    variance = ((value - mean) ** 2).mean(axis=1, keepdims=True)
    return (value - mean) / np.sqrt(variance + epsilon) * w[f"{name}.weight"] + w[f"{name}.bias"]
