"""From a library to a mind: tokens for its items, places in space, links between what is near; and what follows them.

One file a step, each takes the open `Database`. What they share:

1. Outside a transaction a step writes in slices, each a transaction of its own that holds the write lock for at most
   about 100 ms; inside the caller's transaction all of it belongs to that, and is undone where the step fails.
2. What is written depends on what is there when it is written, read in the same transaction: a step that was broken
   off, or another process that wrote meanwhile, is made good by running it again. A run that finds everything as it
   should be writes nothing.
3. Only what a step made itself is changed or taken away: items keep their tokens, tokens their places and links, where
   somebody else gave them.
"""
