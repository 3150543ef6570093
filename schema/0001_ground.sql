-- The ground: facts about the file, what was applied to it, and the notes that derived state lives by.
--
-- Everything in schema/ runs on stock SQLite 3.40 without extensions: STRICT tables, explicit primary keys,
-- triggers whose messages are literals. Files are applied in order of their number, each once, and never
-- changed after a release: their hashes are recorded in `migration`.

-- Facts of the format. `application_id` and `user_version` stand here too, because a stock `.dump`
-- restores neither pragma; the engine sets both again at the next write.
create table meta (
  name  text not null primary key,
  value any  not null
) strict, without rowid;

insert into meta values
  ('application_id', 1313293378),                                                   -- "NGDB"
  ('schema', 0),                                                                    -- the newest migration
  ('created_ns', cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  ('token_record_scale_temporal_z', 1000);                                          -- originals differ: 100 or 1000

-- One row for each file of schema/ that was applied, written in the transaction that applied it.
create table migration (
  number     integer not null primary key,
  name       text    not null unique,
  sha256     text    not null check (length(sha256) = 64),
  applied_ns integer not null,
  engine     text    not null
) strict;

-- A random number for each chunk of 512 ids, drawn anew by the triggers whenever a row of the chunk changes.
-- Arrays are valid for exactly the nonces they were built from: no counter, so no confusion after a rollback,
-- a copy or a restore. `subject` is what changed: 'token' (existence, place, field, weight) or 'edge' (by source).
create table mark (
  subject text    not null,
  chunk   integer not null,
  nonce   integer not null,
  primary key (subject, chunk)
) strict, without rowid;

-- Saved arrays, a chunk at a time, each for the nonce it was built from. May be emptied at any time.
create table derived_chunk (
  subject  text    not null,
  chunk    integer not null,
  nonce    integer not null,
  format   integer not null,
  checksum integer not null,
  body     blob    not null,
  primary key (subject, chunk)
) strict;
