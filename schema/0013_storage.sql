-- Storage: a value in JSON for each namespace and key, until it expires; what a namespace takes; what changed.
--
-- 1. A version is given to every change of a row, by whatever writer: the next number of the file. Versions grow in the
--    order of commits. What a statement says of a version itself doesn't count.
-- 2. `keys` and `bytes` of a namespace are those of its rows, the expired among them, on every path. What a writer
--    displaces fires no trigger, so its bytes are noted before each insert.
-- 3. A namespace grows up to its quota; what has expired goes first. Shrinking is always allowed; but where recursive
--    triggers are on, `replace` is a deletion and then growth.
-- 4. What has expired is not there for a reader of `stored`. It goes bit by bit: each row that is given an expiry takes
--    up to 8 expired ones along.
-- 5. The newest 65,536 changes are kept, and up to 1,023 more; the newest of all always: versions are counted from it.

-- With a rowid: a row of 5 kB is read and changed three to four times as fast as without one, keys are listed as fast
-- whatever the values take, and one of 30 bytes is read 8 % slower.
create table storage (
  namespace  text    not null constraint text_of_namespace check (namespace <> '' and instr(namespace, char(0)) = 0),
  key        text    not null constraint text_of_key check (key <> '' and instr(key, char(0)) = 0),
  value      text    not null constraint json_of_value check (json_valid(value)),
  expires_ns integer,                                                            -- NULL: never
  version    integer not null default 0,                                         -- given by the triggers
  primary key (namespace, key)
) strict;

create index storage_expiry on storage (expires_ns) where expires_ns is not null;

create view stored as
select namespace, key, value, expires_ns, version
  from storage
 where expires_ns is null
    or expires_ns > cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000;

-- A namespace that has rows or a quota.
create table storage_namespace (
  namespace       text    not null primary key check (namespace <> '' and instr(namespace, char(0)) = 0),
  keys            integer not null default 0,
  bytes           integer not null default 0,                                    -- of the values, as UTF-8
  quota_bytes     integer check (quota_bytes >= 0),                              -- NULL: none
  displaced_bytes integer not null default 0                                     -- of the row an insert may displace
) strict, without rowid;

-- One row for each change, in order.
create table storage_change (
  version   integer primary key check (version > 0),
  namespace text    not null,
  key       text    not null,
  deleted   integer not null check (deleted in (0, 1))
) strict;

-- Before an insert nobody knows whether it will displace, ignore or update the row that is there.
create trigger storage_before_insert before insert on storage
when exists (select 1 from storage where namespace = new.namespace and key = new.key)
  or exists (select 1 from storage_namespace where namespace = new.namespace and displaced_bytes <> 0)
begin
  update storage_namespace
     set displaced_bytes = coalesce((select length(cast(value as blob)) from storage
                                      where namespace = new.namespace and key = new.key), 0)
   where namespace = new.namespace;
end;

create trigger storage_insert after insert on storage begin
  insert into storage_change (namespace, key, deleted) values (new.namespace, new.key, 0);
  update storage set version = (select max(version) from storage_change)
   where new.version <> (select max(version) from storage_change)
     and namespace = new.namespace and key = new.key;
  insert into storage_namespace (namespace) values (new.namespace)
      on conflict (namespace) do update
     set keys = keys + (displaced_bytes = 0),
         bytes = bytes + length(cast(new.value as blob)) - displaced_bytes,
         displaced_bytes = 0;
end;

-- A row that displaces another by its rowid would fire no trigger for it. The rowid of a row that gives none is -1 here.
create trigger storage_rowid before insert on storage
when exists (select 1 from storage where rowid = new.rowid)
begin
  select raise(abort, 'ng:storage.rowid: a row must not displace another by its rowid; leave it out');
end;

create trigger storage_rowid_insert after insert on storage when new.rowid < 1 begin
  select raise(abort, 'ng:storage.rowid: a rowid must be above 0; leave it out');
end;

-- No column list: one would miss `set rowid = …`.
create trigger storage_place_update before update on storage
when new.namespace is not old.namespace or new.key is not old.key or new.rowid is not old.rowid
begin
  select raise(abort, 'ng:storage.key: namespace and key can''t be changed; store the value anew, and delete this row');
end;

-- Every update but the one by which the triggers give a version.
create trigger storage_update after update on storage
when new.version is old.version or new.value is not old.value or new.expires_ns is not old.expires_ns
  or (new.version, new.namespace, new.key)
     is not (select version, namespace, key from storage_change order by version desc limit 1)
begin
  insert into storage_change (namespace, key, deleted) values (new.namespace, new.key, 0);
  update storage set version = (select max(version) from storage_change)
   where new.version <> (select max(version) from storage_change)
     and namespace = new.namespace and key = new.key;
  update storage_namespace
     set bytes = bytes + length(cast(new.value as blob)) - length(cast(old.value as blob)), displaced_bytes = 0
   where namespace = new.namespace
     and (displaced_bytes <> 0 or length(cast(new.value as blob)) <> length(cast(old.value as blob)));
end;

create trigger storage_delete after delete on storage begin
  insert into storage_change (namespace, key, deleted) values (old.namespace, old.key, 1);
  update storage_namespace
     set keys = keys - 1, bytes = bytes - length(cast(old.value as blob)), displaced_bytes = 0
   where namespace = old.namespace;
end;

create trigger storage_insert_expired after insert on storage
when new.expires_ns is not null and exists (
  select 1 from storage
   where expires_ns <= cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000
     and not (namespace = new.namespace and key = new.key))
begin
  delete from storage where rowid in (
    select rowid from storage
     where expires_ns <= cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000
       and not (namespace = new.namespace and key = new.key)
     order by expires_ns limit 8);
end;

create trigger storage_update_expired after update of expires_ns on storage
when new.expires_ns is not null and exists (
  select 1 from storage
   where expires_ns <= cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000
     and not (namespace = new.namespace and key = new.key))
begin
  delete from storage where rowid in (
    select rowid from storage
     where expires_ns <= cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000
       and not (namespace = new.namespace and key = new.key)
     order by expires_ns limit 8);
end;

-- A row that is new or replaced counts anew: one row, where a namespace's first key makes it.
create trigger storage_namespace_insert after insert on storage_namespace begin
  update storage_namespace
     set keys = (select count(*) from storage where namespace = new.namespace),
         bytes = (select coalesce(sum(length(cast(value as blob))), 0) from storage where namespace = new.namespace),
         displaced_bytes = 0
   where namespace = new.namespace;
end;

create trigger storage_namespace_delete before delete on storage_namespace
when exists (select 1 from storage where namespace = old.namespace)
begin
  select raise(abort, 'ng:storage_namespace.namespace: a namespace with keys must stay; delete its keys first');
end;

create trigger storage_namespace_place_update before update of namespace on storage_namespace
when new.namespace is not old.namespace
begin
  select raise(abort, 'ng:storage_namespace.namespace: the name of a namespace can''t be changed');
end;

create trigger storage_namespace_full after update of bytes on storage_namespace
when new.bytes > new.quota_bytes and new.bytes > old.bytes
begin
  delete from storage
   where +namespace = new.namespace                                              -- by the index of what expires
     and expires_ns <= cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000;
  select raise(abort, 'ng:storage_namespace.quota_bytes: the values of a namespace must fit its quota')
   where (select bytes > quota_bytes from storage_namespace where namespace = new.namespace);
end;

create trigger storage_namespace_empty after update of keys, quota_bytes on storage_namespace
when new.keys = 0 and new.quota_bytes is null
begin
  delete from storage_namespace where namespace = new.namespace;
end;

create trigger storage_change_replace before insert on storage_change
when exists (select 1 from storage_change where version = new.version)
begin
  select raise(abort, 'ng:storage_change.version: version must be the next number; leave it out');
end;

create trigger storage_change_insert after insert on storage_change
when new.version <> (select max(version) from storage_change)
  or (new.version > 1 and not exists (select 1 from storage_change where version = new.version - 1))
begin
  select raise(abort, 'ng:storage_change.version: version must be the next number; leave it out');
end;

create trigger storage_change_forget after insert on storage_change when new.version % 1024 = 0 begin
  delete from storage_change where version <= new.version - 65536;
end;

create trigger storage_change_update before update on storage_change begin
  select raise(abort, 'ng:storage_change.version: what changed can''t be rewritten');
end;

create trigger storage_change_delete before delete on storage_change
when old.version = (select max(version) from storage_change)
begin
  select raise(abort, 'ng:storage_change.version: the newest change must stay; versions are counted from it');
end;
