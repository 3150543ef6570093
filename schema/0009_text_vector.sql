-- Vectors of texts: what an encoder made is found again by the text, and another encoder's are made ahead of a switch.
--
-- 1. text_vector is derived: it may be emptied at any time. A row is found by the hash of the text and of all that makes
--    its vector (the encoder's files, its settings, the prefix). With id above 2**32 the vector is that of the item with
--    this id and is stored there alone; below, the row holds it.
-- 2. A vector counts only while it has the digest that was taken when it was made: whatever somebody else writes into
--    text_vector or embedding, no text is answered by another's vector.
-- 3. reembedded holds vectors of an encoder that is to take a library over, and the texts they were made of. They count
--    only for the encoder in reembedding, and only for items that still have that text. Nobody searches them.

create table text_vector (
  id      integer primary key,
  hash    blob    not null check (length(hash) = 16),
  digest  blob    not null check (length(digest) = 8),
  vector  blob,                                                   -- NULL where the item has it
  used_ns integer,                                                -- to the hour
  constraint place check ((id < 4294967296) = (vector is not null) and (vector is null) = (used_ns is null))
) strict;

create index text_vector_hash on text_vector (hash);
create index text_vector_used on text_vector (used_ns) where used_ns is not null;

create table reembedding (
  library_id integer primary key references library (id) on delete cascade,
  dimension  integer not null check (dimension between 1 and 8192),
  model      text    not null,
  identity   text    not null,
  norm_low   real,                                                -- as in library, of what is made so far
  norm_high  real
) strict;

create table reembedded (
  id     integer primary key,                                     -- of the item
  text   text not null,
  vector blob not null
) strict;

create trigger text_vector_item_delete after delete on item begin
  delete from text_vector where id = old.id;
end;

create trigger reembedded_item_delete after delete on item
when exists (select 1 from reembedding where library_id = old.library_id)
begin
  delete from reembedded where id = old.id;
end;

create trigger text_vector_displaced_item before delete on displaced_item
when not exists (select 1 from item where id = old.id)
begin
  delete from text_vector where id = old.id;
end;

create trigger reembedding_library_delete after delete on library begin
  delete from reembedding where library_id = old.id;
  delete from reembedded where id between old.id << 32 and old.id << 32 | 4294967295;
end;
