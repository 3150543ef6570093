-- How many candidates approximate searches of a library take: measured by the engine, and derived. A library without a
-- row, or whose marks changed since, is measured again.

create table calibration (
  library_id integer primary key references library (id) on delete cascade,
  sample     integer not null check (sample >= 0),                -- how many of its own vectors were asked
  marks      blob    not null check (length(marks) % 16 = 0),     -- of the time: chunk and nonce, int64, little-endian
  points     text    not null check (                             -- [[k, recall, candidates, mean, first percentile], …]
    json_valid(points) and json_type(points) = 'array'),
  created_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
) strict;

create trigger calibration_library_delete after delete on library begin
  delete from calibration where library_id = old.id;
end;
