"""Vectors without a database: similarities, distances, unit vectors, the k best.

| | two vectors | queries by documents | and all by all |
|---|---|---|---|
| cosine of the angle | `cosine_similarity` | `cosine_similarity_batch` | `cosine_similarity_matrix` |
| Euclidean distance | `euclidean_distance` | `euclidean_distance_batch` | `euclidean_distance_matrix` |
| dot product | `dot_product` | `dot_product_batch` | `dot_product_matrix` |

`normalize` and `normalize_batch` make unit vectors, `top_k` and `top_k_similar` rank documents, `pairwise_distances`
measures every pair.

1. Lists in, lists out; arrays in, arrays out: float32, new, never a view of what was given.
2. Two lists are answered by Python alone; numpy is loaded by the first array or batch, numba when it repays itself.
3. Strict, the default: lengths that differ and values that are NaN or infinite are refused, by name. With
   ``strict=False`` what has no answer for those reasons is 0.
4. The cosine with a zero vector is 0, and a zero vector normalised is zeros.
5. With kernels and without, results agree within the tolerance that each function states.
"""

from __future__ import annotations

from .batches import cosine_similarity_batch, dot_product_batch, euclidean_distance_batch, normalize_batch
from .best import TopK, top_k, top_k_similar
from .matrices import cosine_similarity_matrix, dot_product_matrix, euclidean_distance_matrix, pairwise_distances
from .pairs import cosine_similarity, dot_product, euclidean_distance, normalize

__all__ = [
    "TopK",
    "cosine_similarity",
    "cosine_similarity_batch",
    "cosine_similarity_matrix",
    "dot_product",
    "dot_product_batch",
    "dot_product_matrix",
    "euclidean_distance",
    "euclidean_distance_batch",
    "euclidean_distance_matrix",
    "normalize",
    "normalize_batch",
    "pairwise_distances",
    "top_k",
    "top_k_similar",
]
