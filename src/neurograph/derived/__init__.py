"""Derived state: arrays that make answers fast and never change them.

One mechanism for all kinds of arrays (`mechanism.py`); what a kind must offer (`kind.py`); chunks kept in the
file so that a fresh process need not read rows (`saved.py`); when arrays repay what they cost (`policy.py`);
where compiled kernels are kept (`kernel_cache.py`).

Arrays are valid for exactly the nonces they were built from. Whoever changes a row draws a new nonce for the row's
chunk of 512 ids in the same transaction (triggers do, on every path), so a rollback restores the nonce with the
row, and no counter can be confused by a copy, a restore or another process.

Nothing is imported here: opening a file needs `policy.py` alone, and the mechanism costs 9 ms to import.
"""
