"""Texts: made vectors by an encoder, and found by their words.

| file | what it does |
|---|---|
| `encoders.py`, `identity.py` | what makes the vectors, and what made them |
| `kept.py` | vectors of texts that the file keeps |
| `reembedding.py` | another encoder takes over |
| `index.py` | the text index |
| `matching.py`, `query.py` | items found by words |
"""
