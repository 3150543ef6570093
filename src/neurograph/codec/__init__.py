"""The original system's fixed-size records, as pure functions between bytes and plain values."""
