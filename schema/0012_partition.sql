-- Partitions of libraries: which vectors lie together, and one bit for each of their numbers, so that a search that may
-- miss some reads few rows. Written by `library.optimize()` alone; docs/decisions/0021-partitions-in-plain-tables.md.
--
-- 1. All of it is derived: whoever deletes rows here changes no exact answer. `delete from partitioning` is enough.
-- 2. A partitioning that is not complete is not in use; of several that are, the one with the highest id is.
-- 3. What is said of a chunk of 512 ids holds while its nonce in partition_chunk equals that in mark (subject
--    'embedding'). Rows of other chunks are passed over, and the vectors themselves looked at.
-- 4. A row's key for a query q, least for the nearest, is base + shift + factor * sum(sign of each bit * turned query).
--    base depends on the centroid: -c·q, or under l2 the square of |c - q|.

create table partitioning (
  id         integer primary key autoincrement,
  library_id integer not null references library (id) on delete cascade,
  complete   integer not null default 0 check (complete in (0, 1)),
  items      integer not null default 0 check (items >= 0),               -- vectors it was trained for
  changed    integer not null default 0 check (changed >= 0),             -- vectors placed elsewhere since then
  measured   integer not null default 0 check (measured >= 0),            -- `changed` when it was measured last
  middle     blob    not null,                                            -- what queries are taken from: float32
  created_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
) strict;

create index partitioning_library on partitioning (library_id);

create table partition_center (
  partitioning_id integer not null references partitioning (id) on delete cascade,
  number          integer not null check (number between 0 and 65534),
  norm            real    not null,                                       -- the centroid's length
  centroid        blob    not null,                                       -- float32, little-endian
  primary key (partitioning_id, number)
) strict, without rowid;

create table partition_item (
  partitioning_id integer not null references partitioning (id) on delete cascade,
  number          integer not null,                                       -- of the partition
  id              integer not null,                                       -- of the item
  shift           real    not null,
  factor          real    not null,
  code            blob    not null,                                       -- a bit a dimension, filled up to whole bytes
  primary key (partitioning_id, number, id)
) strict, without rowid;

create table partition_chunk (
  partitioning_id integer not null references partitioning (id) on delete cascade,
  chunk           integer not null,
  nonce           integer not null,                                       -- of the rows it was made from
  numbers         blob    not null,                                       -- of each id its partition, uint16; 65535: none
  primary key (partitioning_id, chunk)
) strict, without rowid;

-- How much has to be looked at for a mean recall among the k nearest, measured on a sample of the library.
create table partition_reach (
  partitioning_id integer not null references partitioning (id) on delete cascade,
  k               integer not null check (k > 0),
  recall          real    not null check (recall > 0 and recall < 1),
  partitions      integer not null check (partitions > 0),
  candidates      integer not null check (candidates > 0),
  measured        real    not null check (measured between 0 and 1),      -- the recall of the sample
  primary key (partitioning_id, k, recall)
) strict, without rowid;

create trigger partitioning_delete after delete on partitioning begin
  delete from partition_center where partitioning_id = old.id;
  delete from partition_item where partitioning_id = old.id;
  delete from partition_chunk where partitioning_id = old.id;
  delete from partition_reach where partitioning_id = old.id;
end;

create trigger library_partitioning_delete after delete on library
when exists (select 1 from partitioning where library_id = old.id)
begin
  delete from partitioning where library_id = old.id;
end;
