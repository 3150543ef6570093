"""Bytes of others and plain values, each made from the other; nothing here knows the database.

- The original system's fixed-size records, as pure functions: one module a record, each with `encode` and `decode`
  for one, and where records come by the million `encode_many` and `decode_many` for arrays of them.
- Files of word vectors, which are only read: `word_vectors/`.
"""
