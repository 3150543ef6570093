"""Compiled kernels: small pure functions, arrays in and arrays out, each file complete in itself.

The only package that imports numba. Nothing here is imported before an array is large enough to repay
numba's start-up (about 0.35 s); every answer has a path without kernels as well.
"""
