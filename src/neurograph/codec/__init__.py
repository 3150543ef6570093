"""The original system's fixed-size records, as pure functions between bytes and plain values.

One module a record, each with `encode` and `decode` for one, and where records come by the million
`encode_many` and `decode_many` for arrays of them. Nothing here knows the database.
"""
