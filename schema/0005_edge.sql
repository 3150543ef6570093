-- Edges: the topology, directed and weighted.
--
-- 1. Both ends exist, on every path.
-- 2. A bidirectional edge is one row, followed both ways; it and its reverse of the same type and key can't coexist.
-- 3. `degree` equals what counting would say, after every statement: REPLACE, IGNORE and upserts included.
-- 4. Every change of existence, ends, type, weight or direction draws a new nonce for the chunk of the source.
-- 5. Limits hold for rows inserted or changed; existing violations stay and are listed by `check()`.

create table edge (
  source        integer not null references token (id) on delete cascade,
  type          integer not null default 80 references connection_type (code),      -- 80: associated_with
  target        integer not null references token (id) on delete cascade,
  key           text    not null default '',                                        -- tells parallel edges apart
  weight        real    not null default 1.0 check (abs(weight) <= 1.7976931348623157e308),
  bidirectional integer not null default 0 check (bidirectional in (0, 1)),
  properties    text check (properties is null or json_valid(properties) and json_type(properties) = 'object'),
  primary key (source, type, target, key)
) strict, without rowid;

create index edge_by_target on edge (target, type, source);

-- Empty in most files: whether a search that needs weights of at least 0 may run is one lookup instead of a scan.
create index edge_negative on edge (weight) where weight < 0;

-- What a bulk load has to compare with the reverse edges, and no more.
create index edge_bidirectional on edge (source) where bidirectional;

-- The edge about to be displaced by one with the same key, if any: at most one row.
create table displaced_edge (
  source        integer not null,
  type          integer not null,
  target        integer not null,
  key           text    not null,
  bidirectional integer not null,
  connection_id integer,
  primary key (source, type, target, key)
) strict, without rowid;

-- REPLACE turns a NULL into the column's default after BEFORE triggers have run, hence the coalesce.
create trigger edge_before_insert before insert on edge
when exists (
  select 1
    from edge
   where source = new.source
     and type = coalesce(new.type, 80)
     and target = new.target
     and key = coalesce(new.key, ''))
begin
  delete from displaced_edge;
  insert into displaced_edge
  select source, type, target, key, bidirectional,
         (select id
            from connection as c
           where (c.source, c.type, c.target, c.key) = (edge.source, edge.type, edge.target, edge.key))
    from edge
   where source = new.source
     and type = coalesce(new.type, 80)
     and target = new.target
     and key = coalesce(new.key, '');
end;

create trigger edge_before_update before update of source, type, target, key on edge
when (old.source, old.type, old.target, old.key) is not (new.source, new.type, new.target, new.key)
 and exists (
  select 1 from edge where source = new.source and type = new.type and target = new.target and key = new.key)
begin
  delete from displaced_edge;
  insert into displaced_edge
  select source, type, target, key, bidirectional,
         (select id
            from connection as c
           where (c.source, c.type, c.target, c.key) = (edge.source, edge.type, edge.target, edge.key))
    from edge
   where source = new.source and type = new.type and target = new.target and key = new.key;
end;

create trigger edge_insert after insert on edge begin
  select raise(abort, 'ng:edge.source: source must be the id of a token')
   where not exists (select 1 from token where id = new.source);
  select raise(abort, 'ng:edge.target: target must be the id of a token')
   where not exists (select 1 from token where id = new.target);
  select raise(abort, 'ng:edge.type: type must be a code of the table connection_type')
   where not exists (select 1 from connection_type where code = new.type);
  select raise(abort, 'ng:edge.bidirectional: a bidirectional edge and its reverse can''t coexist')
    from edge
   where source = new.target and type = new.type and target = new.source and key = new.key
     and source <> target
     and (bidirectional or new.bidirectional);
  update degree
     set outgoing = outgoing - 1,
         incoming = incoming - ((select bidirectional from displaced_edge) or new.source = new.target),
         total = total - 1
   where token_id = new.source
     and exists (
       select 1
         from displaced_edge
        where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  update degree
     set outgoing = outgoing - (select bidirectional from displaced_edge), incoming = incoming - 1, total = total - 1
   where token_id = new.target
     and new.target <> new.source
     and exists (
       select 1
         from displaced_edge
        where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  delete from connection
   where id in (
     select connection_id
       from displaced_edge
      where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  delete from displaced_edge;
  insert into degree values (new.source, 1, new.bidirectional or new.source = new.target, 1)
      on conflict do update
     set outgoing = outgoing + 1, incoming = incoming + excluded.incoming, total = total + 1;
  insert into degree
  select new.target, new.bidirectional, 1, 1
   where new.target <> new.source
      on conflict do update
     set outgoing = outgoing + excluded.outgoing, incoming = incoming + 1, total = total + 1;
  select case
    when not c.validation then null
    when not new.weight between c.min_edge_weight and c.max_edge_weight
    then raise(abort, 'ng:edge.weight: weight must be within the constitution''s limits')
    when new.type < 256 and substr(c.allowed_types, new.type + 1, 1) <> '1'
      or new.type > 255 and not (select allowed from connection_type where code = new.type)
    then raise(abort, 'ng:edge.type: type must be one the constitution allows')
    when (select outgoing from degree where token_id = new.source) > c.max_out_degree
      or new.bidirectional and (select outgoing from degree where token_id = new.target) > c.max_out_degree
    then raise(abort, 'ng:edge.out_degree: a token must not have more outgoing edges than the constitution allows')
    when (select incoming from degree where token_id = new.target) > c.max_in_degree
      or new.bidirectional and (select incoming from degree where token_id = new.source) > c.max_in_degree
    then raise(abort, 'ng:edge.in_degree: a token must not have more incoming edges than the constitution allows')
    when (select total from degree where token_id = new.source) > c.max_total_degree
      or (select total from degree where token_id = new.target) > c.max_total_degree
    then raise(abort, 'ng:edge.total_degree: a token must not have more edges than the constitution allows')
    end
    from cdna_current as c;
  insert into mark values ('edge', new.source >> 9, random()) on conflict do update set nonce = excluded.nonce;
end;

create trigger edge_delete after delete on edge begin
  delete from displaced_edge where (source, type, target, key) = (old.source, old.type, old.target, old.key);
  update degree
     set outgoing = outgoing - 1, incoming = incoming - (old.bidirectional or old.target = old.source), total = total - 1
   where token_id = old.source;
  update degree
     set outgoing = outgoing - old.bidirectional, incoming = incoming - 1, total = total - 1
   where token_id = old.target and old.target <> old.source;
  delete from degree where token_id in (old.source, old.target) and total = 0;
  delete from connection where (source, type, target, key) = (old.source, old.type, old.target, old.key);
  insert into mark values ('edge', old.source >> 9, random()) on conflict do update set nonce = excluded.nonce;
end;

create trigger edge_move after update of source, type, target, key, bidirectional on edge
when (old.source, old.type, old.target, old.key, old.bidirectional)
     is not (new.source, new.type, new.target, new.key, new.bidirectional)
begin
  -- A note about the edge itself is of an upsert, or of an insert that was ignored: nothing displaced it.
  delete from displaced_edge where (source, type, target, key) = (old.source, old.type, old.target, old.key);
  select raise(abort, 'ng:edge.source: source must be the id of a token')
   where not exists (select 1 from token where id = new.source);
  select raise(abort, 'ng:edge.target: target must be the id of a token')
   where not exists (select 1 from token where id = new.target);
  select raise(abort, 'ng:edge.type: type must be a code of the table connection_type')
   where not exists (select 1 from connection_type where code = new.type);
  select raise(abort, 'ng:edge.bidirectional: a bidirectional edge and its reverse can''t coexist')
    from edge
   where source = new.target and type = new.type and target = new.source and key = new.key
     and source <> target
     and (bidirectional or new.bidirectional);
  update degree
     set outgoing = outgoing - 1,
         incoming = incoming - ((select bidirectional from displaced_edge) or new.source = new.target),
         total = total - 1
   where token_id = new.source
     and exists (
       select 1
         from displaced_edge
        where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  update degree
     set outgoing = outgoing - (select bidirectional from displaced_edge), incoming = incoming - 1, total = total - 1
   where token_id = new.target
     and new.target <> new.source
     and exists (
       select 1
         from displaced_edge
        where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  delete from connection
   where id in (
     select connection_id
       from displaced_edge
      where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  delete from displaced_edge;
  update degree
     set outgoing = outgoing - 1, incoming = incoming - (old.bidirectional or old.target = old.source), total = total - 1
   where token_id = old.source;
  update degree
     set outgoing = outgoing - old.bidirectional, incoming = incoming - 1, total = total - 1
   where token_id = old.target and old.target <> old.source;
  insert into degree values (new.source, 1, new.bidirectional or new.source = new.target, 1)
      on conflict do update
     set outgoing = outgoing + 1, incoming = incoming + excluded.incoming, total = total + 1;
  insert into degree
  select new.target, new.bidirectional, 1, 1
   where new.target <> new.source
      on conflict do update
     set outgoing = outgoing + excluded.outgoing, incoming = incoming + 1, total = total + 1;
  delete from degree where token_id in (old.source, old.target) and total = 0;
  update connection
     set source = new.source, type = new.type, target = new.target, key = new.key
   where (source, type, target, key) = (old.source, old.type, old.target, old.key);
  select case
    when not c.validation then null
    when new.type is not old.type
     and (new.type < 256 and substr(c.allowed_types, new.type + 1, 1) <> '1'
       or new.type > 255 and not (select allowed from connection_type where code = new.type))
    then raise(abort, 'ng:edge.type: type must be one the constitution allows')
    -- An edge that stays at a token raises no degree there: one beyond its limit may be left as it is.
    when new.source <> old.source and not (old.bidirectional and new.source = old.target)
     and (select outgoing from degree where token_id = new.source) > c.max_out_degree
      or new.bidirectional and new.target <> old.source and not (old.bidirectional and new.target = old.target)
     and (select outgoing from degree where token_id = new.target) > c.max_out_degree
    then raise(abort, 'ng:edge.out_degree: a token must not have more outgoing edges than the constitution allows')
    when new.target <> old.target and not (old.bidirectional and new.target = old.source)
     and (select incoming from degree where token_id = new.target) > c.max_in_degree
      or new.bidirectional and new.source <> old.target and not (old.bidirectional and new.source = old.source)
     and (select incoming from degree where token_id = new.source) > c.max_in_degree
    then raise(abort, 'ng:edge.in_degree: a token must not have more incoming edges than the constitution allows')
    when new.source not in (old.source, old.target)
     and (select total from degree where token_id = new.source) > c.max_total_degree
      or new.target not in (old.source, old.target)
     and (select total from degree where token_id = new.target) > c.max_total_degree
    then raise(abort, 'ng:edge.total_degree: a token must not have more edges than the constitution allows')
    end
    from cdna_current as c;
  insert into mark values ('edge', old.source >> 9, random()) on conflict do update set nonce = excluded.nonce;
  insert into mark values ('edge', new.source >> 9, random()) on conflict do update set nonce = excluded.nonce;
end;

create trigger edge_weight after update of weight on edge begin
  select case
    when not c.validation then null
    when new.weight > c.max_edge_weight and new.weight > old.weight
      or new.weight < c.min_edge_weight and new.weight < old.weight
    then raise(abort, 'ng:edge.weight: weight must be within the constitution''s limits')
    end
    from cdna_current as c;
  insert into mark values ('edge', new.source >> 9, random()) on conflict do update set nonce = excluded.nonce;
end;
