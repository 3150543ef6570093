"""The exit codes of `ngdb`, all of them."""

from __future__ import annotations

OK, FAILED, USAGE, VIOLATIONS, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141

MEANINGS = {
    OK: "done",
    FAILED: "an error, said in one line; with --debug also where it arose",
    USAGE: "the command was not understood",
    VIOLATIONS: "`ngdb check` found something wrong",
    INTERRUPTED: "interrupted by Ctrl-C",
    PIPE_CLOSED: "the program that read the output went away",
}
