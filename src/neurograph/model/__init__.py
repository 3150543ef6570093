"""Plain immutable records and the fixed names of the domain; imports nothing but the standard library."""
