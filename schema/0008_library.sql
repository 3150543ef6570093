-- Libraries: vector spaces, their items, and one row for each vector.
--
-- 1. An item's id begins with its library's: id >> 32 is library_id. So a library lies together in the file, is read in
--    one range, and gives its pages back when it is dropped. Within a library an id is above all that there are.
-- 2. A vector is float32, little-endian, 4 bytes a dimension. NaN and infinity, which SQL can't see in a blob, are refused
--    by the engine; a row that holds one all the same is never found, and `check` names it.
-- 3. An item that is gone takes its vector with it, and a library its items, on every path: foreign keys on or off,
--    `insert or replace` (which fires no delete trigger) included. A token that is gone leaves its items without one.
-- 4. The metric never changes, the dimension only while there are no vectors and no projection (another encoder takes the
--    library over: schema/0009_text_vector.sql). A library is never displaced by another of its name.
-- 5. Every change of a vector draws a new nonce for its chunk of 512 ids, as subject 'embedding'.
-- 6. norm_low and norm_high enclose the lengths of all vectors of a library, or are NULL: nobody measured them since
--    somebody else wrote. They say where float32 sums are exact enough to choose candidates by, and change no answer.
-- 7. A library that is not complete is not there for Python, for functions and for the view entry.
-- 8. A library's text index is the table text_<its id>, with triggers of its own (schema/per_library/text.sql), made on
--    demand. While it is being filled, the items up to the id `filled` are in it, and those written since.

create table library (
  id         integer primary key autoincrement check (id between 1 and 2147483647),
  name       text    not null unique check (name <> '' and instr(name, char(0)) = 0),
  dimension  integer not null check (dimension between 1 and 8192),
  metric     text    not null default 'cosine' check (metric in ('cosine', 'l2', 'dot')),
  model      text    not null default 'unspecified' check (model <> ''),        -- what made the vectors
  identity   text    not null default '{}' check (                              -- and how: its files' hashes, its settings
    json_valid(identity) and json_type(identity) = 'object'),
  norm_low   real,
  norm_high  real,
  complete   integer not null default 1 check (complete in (0, 1)),             -- 0 while a load is under way
  created_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  constraint norms check ((norm_low is null) = (norm_high is null) and coalesce(norm_low <= norm_high, true))
) strict;

create table item (
  id         integer primary key,
  library_id integer not null references library (id),
  key        text    check (key <> '' and instr(key, char(0)) = 0),              -- unique in its library, or NULL
  text       text    check (instr(text, char(0)) = 0),                           -- what the vector stands for
  token_id   integer references token (id) on delete set null,
  x real, y real, z real,                                                        -- semantic coordinates
  metadata   text check (
    metadata is null
    or json_valid(metadata) and json_type(metadata) = 'object' and instr(metadata, char(0)) = 0),
  constraint id_begins_with_library check (id >> 32 = library_id and id & 4294967295 > 0),
  constraint place check (
    x is null and y is null and z is null
    or (abs(x) <= 1.7976931348623157e308 and abs(y) <= 1.7976931348623157e308 and abs(z) <= 1.7976931348623157e308) is true)
) strict;

create unique index item_key on item (library_id, key) where key is not null;
create index item_token on item (token_id) where token_id is not null;

create table embedding (
  id     integer primary key references item (id) on delete cascade,
  vector blob    not null check (length(vector) between 4 and 32768)
) strict;

-- The principal components of a library's vectors: float32, little-endian.
create table projection (
  library_id integer primary key references library (id) on delete cascade,
  dimensions integer not null check (dimensions between 1 and 8192),
  mean       blob    not null,                                    -- one number for each dimension of the library
  components blob    not null,                                    -- one row of as many for each of `dimensions`
  explained  blob    not null,                                    -- the share of the variance, for each of `dimensions`
  created_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  constraint lengths check (
    length(explained) = 4 * dimensions and length(components) = dimensions * length(mean) and length(mean) % 4 = 0)
) strict;

-- Which libraries have a text index, and how it reads words. A library deleted by SQL leaves its index empty and its row
-- here, which tells whose the table is: so there is no foreign key.
create table text_index (
  library_id integer primary key check (library_id between 1 and 2147483647),
  tokenizer  text    not null,
  filled     integer                                                            -- NULL once all of the items are in it
) strict;

-- Notes of items about to be displaced through their key, as for tokens.
create table displaced_item (id integer primary key) strict;

create trigger displaced_item_delete before delete on displaced_item
when not exists (select 1 from item where id = old.id)
begin
  delete from embedding where id = old.id;
end;

-- Abort, where `insert or replace` would displace a library with all its items.
create trigger library_insert before insert on library
when exists (select 1 from library where name = new.name or id = new.id)
begin
  select raise(abort, 'ng:library.name: a library must have an id and a name of its own');
end;

create trigger library_update before update on library
when new.id is not old.id or new.metric is not old.metric
  or new.dimension is not old.dimension
 and (exists (select 1 from embedding where id between old.id << 32 and old.id << 32 | 4294967295)
      or exists (select 1 from projection where library_id = old.id))
  or exists (select 1 from library where name = new.name and id <> old.id)
begin
  select case
    when new.id is not old.id
    then raise(abort, 'ng:library.id: the id of a library can''t be changed')
    when new.metric is not old.metric
    then raise(abort, 'ng:library.metric: the metric of a library can''t be changed')
    when new.dimension is not old.dimension
     and (exists (select 1 from embedding where id between old.id << 32 and old.id << 32 | 4294967295)
          or exists (select 1 from projection where library_id = old.id))
    then raise(abort, 'ng:library.dimension: the dimension of a library can''t be changed while it has vectors')
    else raise(abort, 'ng:library.name: a library must have an id and a name of its own')
    end;
end;

create trigger library_delete after delete on library begin
  delete from embedding where id between old.id << 32 and old.id << 32 | 4294967295;
  delete from item where id between old.id << 32 and old.id << 32 | 4294967295;
  delete from projection where library_id = old.id;
end;

create trigger projection_insert after insert on projection begin
  select raise(abort, 'ng:projection.mean: mean must have four bytes for each dimension of its library')
   where not exists (select 1 from library where id = new.library_id and length(new.mean) = 4 * dimension);
end;

create trigger projection_update after update on projection begin
  select raise(abort, 'ng:projection.mean: mean must have four bytes for each dimension of its library')
   where not exists (select 1 from library where id = new.library_id and length(new.mean) = 4 * dimension);
end;

create trigger item_before_insert before insert on item
when new.key is not null and exists (select 1 from item where library_id = new.library_id and key = new.key)
begin
  insert into displaced_item
  select id from item where library_id = new.library_id and key = new.key
      on conflict do nothing;
end;

create trigger item_before_update before update of key on item
when new.key is not null
 and exists (select 1 from item where library_id = new.library_id and key = new.key and id <> old.id)
begin
  insert into displaced_item
  select id from item where library_id = new.library_id and key = new.key and id <> old.id
      on conflict do nothing;
end;

create trigger item_insert after insert on item
when exists (select 1 from displaced_item)
  or new.token_id is not null
  or exists (select 1 from embedding where id = new.id)
  or not exists (select 1 from library where id = new.library_id)
begin
  select case
    when not exists (select 1 from library where id = new.library_id)
    then raise(abort, 'ng:item.library_id: library_id must be the id of a library')
    when new.token_id is not null and not exists (select 1 from token where id = new.token_id)
    then raise(abort, 'ng:item.token_id: token_id must be the id of a token')
    end;
  delete from embedding where id = new.id;                        -- a replaced row is a new item, without a vector
  delete from displaced_item;
end;

-- No column list: one would miss `set rowid = …`, another name of the same column.
create trigger item_id_update before update on item
when new.id is not old.id or new.library_id is not old.library_id
begin
  select raise(abort, 'ng:item.id: the id of an item can''t be changed, nor its library');
end;

create trigger item_update after update of key, token_id on item
when exists (select 1 from displaced_item)
  or new.token_id is not null and new.token_id is not old.token_id
begin
  select raise(abort, 'ng:item.token_id: token_id must be the id of a token')
   where new.token_id is not null and not exists (select 1 from token where id = new.token_id);
  delete from displaced_item;
end;

create trigger item_delete after delete on item begin
  delete from embedding where id = old.id;
end;

create trigger item_token_delete after delete on token
when exists (select 1 from item where token_id = old.id)
begin
  update item set token_id = null where token_id = old.id;
end;

create trigger item_token_displaced before delete on displaced_token
when (old.replaced or not exists (select 1 from token where id = old.id))
 and exists (select 1 from item where token_id = old.id)
begin
  update item set token_id = null where token_id = old.id;
end;

-- `insert or replace` by id: the new token is another one, also where the old one had no edges and nobody noted it.
create trigger item_token_replaced after insert on token
when exists (select 1 from item where token_id = new.id)
begin
  update item set token_id = null where token_id = new.id;
end;

create trigger embedding_insert after insert on embedding begin
  insert into mark values ('embedding', new.id >> 9, random()) on conflict do update set nonce = excluded.nonce;
  update library set norm_low = null, norm_high = null where id = new.id >> 32 and norm_low is not null;
  select case
    when not exists (select 1 from item where id = new.id)
    then raise(abort, 'ng:embedding.id: id must be the id of an item')
    when length(new.vector) <> 4 * (select dimension from library where id = new.id >> 32)
    then raise(abort, 'ng:embedding.vector: vector must have four bytes for each dimension of its library')
    end;
end;

create trigger embedding_id_update before update on embedding when new.id is not old.id begin
  select raise(abort, 'ng:embedding.id: the id of a vector can''t be changed');
end;

create trigger embedding_update after update of vector on embedding begin
  insert into mark values ('embedding', new.id >> 9, random()) on conflict do update set nonce = excluded.nonce;
  update library set norm_low = null, norm_high = null where id = new.id >> 32 and norm_low is not null;
  select raise(abort, 'ng:embedding.vector: vector must have four bytes for each dimension of its library')
   where length(new.vector) <> 4 * (select dimension from library where id = new.id >> 32);
end;

create trigger embedding_delete after delete on embedding begin
  insert into mark values ('embedding', old.id >> 9, random()) on conflict do update set nonce = excluded.nonce;
end;

-- Items with their library's name and their vector, for a shell: an insert gives the id.
create view entry as
select item.id, library.name as library, item.key, item.text, item.token_id, item.x, item.y, item.z, item.metadata,
       embedding.vector
  from item
  join library on library.id = item.library_id and library.complete
  left join embedding on embedding.id = item.id;

create trigger entry_insert instead of insert on entry begin
  select raise(abort, 'ng:entry.library: library must be the name of a library')
   where not exists (select 1 from library where name = new.library);
  select raise(abort, 'ng:entry.id: id must be left out; the new item is given one')
   where new.id is not null;
  insert into item (id, library_id, key, text, token_id, x, y, z, metadata)
  select coalesce((select max(id) from item where id between library.id << 32 and library.id << 32 | 4294967295),
                  library.id << 32) + 1,
         library.id, new.key, new.text, new.token_id, new.x, new.y, new.z, new.metadata
    from library
   where name = new.library;
  insert into embedding
  select (select max(id) from item where id between library.id << 32 and library.id << 32 | 4294967295), new.vector
    from library
   where name = new.library and new.vector is not null and changes() > 0;      -- 0 where `or ignore` inserted none
end;

create trigger entry_update instead of update on entry begin
  select raise(abort, 'ng:entry.id: the id of an item can''t be changed, nor its library')
   where new.id is not old.id or new.library is not old.library;
  update item
     set key = new.key, text = new.text, token_id = new.token_id, x = new.x, y = new.y, z = new.z,
         metadata = new.metadata
   where id = old.id;
  delete from embedding where id = old.id and new.vector is null;
  insert into embedding
  select old.id, new.vector
   where new.vector is not null and new.vector is not old.vector
      on conflict do update set vector = excluded.vector;
end;

create trigger entry_delete instead of delete on entry begin
  delete from item where id = old.id;
end;
