-- What is inserted is counted, and then takes along what has expired: in one trigger, as SQLite promises no order of
-- several, and ran the second first. A namespace all of whose keys had expired was empty then, and refused to go beside
-- its new row; and where a row had displaced another, what was noted of that was gone, and it was counted as one more.

drop trigger storage_insert_expired;

drop trigger storage_insert;

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
  delete from storage
   where new.expires_ns is not null and rowid in (
     select rowid from storage
      where expires_ns <= cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000
        and not (namespace = new.namespace and key = new.key)
      order by expires_ns limit 8);
end;
