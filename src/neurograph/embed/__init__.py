"""Text into vectors: encoders as ONNX files or tables of vectors, run on this machine, and the converter to ONNX.

| file | what it is |
|---|---|
| engine.py | `EmbeddingEngine`: finds the files, checks what comes in |
| running.py | a loaded model: sorts by length, puts the vectors back in order |
| digest.py | the hashes of what makes a vector |
| known.py | the settings of known models |
| places.py | which files of a folder are used |
| settings.py | what the folder's files say, and what wins |
| tokens.py | text to token ids |
| onnx_encoder.py, table_encoder.py | token ids to a vector a token |
| pooling.py | a vector a token to a vector a text |
| batches.py | which texts are run together |
| default.py | the small encoder of the extra ``text`` |
| safetensors.py, onnx_parts.py, bert_graph.py, convert.py | a folder of weights to an ONNX file |

onnxruntime, tokenizers and onnx are imported here and nowhere else, and only by the functions that use them.
"""

from __future__ import annotations
