-- Imports under way: rows of a file wait here, invisible to every query about tokens and edges, until all of them are
-- read and checked; one last transaction then moves them. An import that breaks off is resumed at its line, or dropped.

create table import_run (
  id         integer primary key autoincrement,
  kind       text    not null check (kind in ('tokens', 'edges')),
  source     text    not null,                                        -- the file's name
  identity   text    not null,                                        -- its size and time of change
  options    text    not null check (json_valid(options)),
  next_line  integer not null default 1,
  rows       integer not null default 0,
  started_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  unique (kind, source)
) strict;

create table import_row (
  run_id integer not null references import_run (id) on delete cascade,
  line   integer not null,
  body   text    not null check (json_valid(body)),
  primary key (run_id, line)
) strict, without rowid;
