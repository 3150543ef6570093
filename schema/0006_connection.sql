-- Connections: an edge plus its dynamics. And, now that all tables exist, what keeps words that are in use.
--
-- 1. Each connection extends exactly one edge, each edge has at most one connection.
-- 2. Creating a connection creates its edge, in the same statement, unless it is there already. Deleting one leaves
--    the edge.
-- 3. A connection whose edge is gone is gone; each moves where the other moves.
-- 4. Both ends differ: a token has no connection to itself.
-- 5. The constitution's limits hold for rows inserted or changed. A value beyond a limit may always move towards it.
-- 6. The flag `bidirectional` is the edge's `bidirectional`, whichever of the two was written.
-- 7. A row that gives no mutability, or a new type and no mutability, has the type's. What is immutable has
--    confidence 1.
-- 8. `modified_ns` moves when something else than what an activation changes did; decay counts from it.
-- 9. A word of a vocabulary that tokens or edges use stays, and keeps its code.

create table connection (
  id                 integer primary key autoincrement check (id > 0),
  source             integer not null,
  type               integer not null default 80,
  target             integer not null check (source <> target),
  key                text    not null default '' check (instr(key, char(0)) = 0),
  rigidity           real    not null default 0.5 check (rigidity between 0 and 1),
  pull               real    not null default 0.5 check (abs(pull) <= 1.7976931348623157e308),
  preferred_distance real    not null default 1.0 check (preferred_distance between 0.01 and 100),
  active_levels      integer not null default 0 check (active_levels between 0 and 255),
  flags              integer not null default 0 check (flags between 0 and 255),
  activation_count   integer not null default 0 check (activation_count >= 0),
  last_activation_ns integer,                                    -- NULL: never
  mutability         integer not null default -1 check (mutability in (0, 1, 2, -1)),
  confidence         real    not null default 0.5 check (confidence between 0 and 1),
  evidence_count     integer not null default 0 check (evidence_count >= 0),
  learning_rate      real    not null default 0.125 check (learning_rate between 0 and 1),
  decay_rate         real    not null default 0.0625 check (decay_rate between 0 and 1),
  origin             integer not null default 0 check (origin >= 0),     -- 0: by hand, else the proposal's id
  created_ns  integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  modified_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  -- What acting through the connection aims at: the first axis of each level.
  aim_physical real not null default 0.0 check (abs(aim_physical) <= 1.7976931348623157e308),
  aim_sensory real not null default 0.0 check (abs(aim_sensory) <= 1.7976931348623157e308),
  aim_motor real not null default 0.0 check (abs(aim_motor) <= 1.7976931348623157e308),
  aim_emotional real not null default 0.0 check (abs(aim_emotional) <= 1.7976931348623157e308),
  aim_cognitive real not null default 0.0 check (abs(aim_cognitive) <= 1.7976931348623157e308),
  aim_social real not null default 0.0 check (abs(aim_social) <= 1.7976931348623157e308),
  aim_temporal real not null default 0.0 check (abs(aim_temporal) <= 1.7976931348623157e308),
  aim_abstract real not null default 0.0 check (abs(aim_abstract) <= 1.7976931348623157e308),
  unique (source, type, target, key),
  foreign key (source, type, target, key) references edge (source, type, target, key)
    on delete cascade on update cascade
) strict;

-- The foreign key is checked when the statement ends, so the edge may come after the row that needs it. The first rule
-- is for `insert or ignore`: it would pass over an edge that can't be, without a word.
create trigger connection_insert after insert on connection begin
  insert into edge (source, type, target, key, bidirectional)
  select new.source, new.type, new.target, new.key, (new.flags & 4) <> 0
   where not exists (
     select 1
       from edge
      where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  select case
    when not exists (
      select 1 from edge where (source, type, target, key) = (new.source, new.type, new.target, new.key))
    then raise(abort, 'ng:connection.edge: source, type, target and key must name an edge or make one')
    when not c.validation then null
    when not new.pull between c.min_pull and c.max_pull
    then raise(abort, 'ng:connection.pull: pull must be within the constitution''s limits')
    when not new.rigidity between c.min_rigidity and c.max_rigidity
    then raise(abort, 'ng:connection.rigidity: rigidity must be within the constitution''s limits')
    when new.type < 256 and substr(c.allowed_types, new.type + 1, 1) <> '1'
      or new.type > 255 and not (select allowed from connection_type where code = new.type)
    then raise(abort, 'ng:connection.type: type must be one the constitution allows')
    when (select weight from edge where (source, type, target, key) = (new.source, new.type, new.target, new.key))
         not between c.min_connection_weight and c.max_connection_weight
    then raise(abort, 'ng:connection.weight: weight must be within the constitution''s limits')
    end
    from cdna_current as c;
end;

-- -1 stands for "as the type says" until this runs: a column's default can't look at another table. `returning` shows
-- the row as it was before. A type that does not exist is for the edge to refuse, by name.
create trigger connection_mutability_insert after insert on connection
when new.mutability = -1 or new.mutability = 0 and new.confidence <> 1.0
begin
  update connection
     set mutability = coalesce((select mutability from connection_type where code = new.type), 1)
   where id = new.id and mutability = -1;
  update connection set confidence = 1.0 where id = new.id and mutability = 0 and confidence <> 1.0;
end;

-- The update sets `modified_ns` too, so that `connection_modified` does not take it for somebody's.
create trigger connection_mutability_type after update of type on connection
when new.type is not old.type and new.mutability is old.mutability
 and new.mutability is not (select mutability from connection_type where code = new.type)
begin
  update connection
     set mutability = coalesce((select mutability from connection_type where code = new.type), 1), modified_ns = modified_ns + 1
   where id = new.id;
end;

create trigger connection_mutability_update after update of mutability, confidence on connection
when old.mutability <> -1 and (new.mutability = -1 or new.mutability = 0 and new.confidence <> 1.0)
begin
  select raise(abort, 'ng:connection.confidence: the confidence of an immutable connection must be 1')
   where old.mutability = 0 and old.confidence = 1.0 and new.mutability = 0;
  update connection
     set mutability = coalesce((select mutability from connection_type where code = new.type), 1)
   where id = new.id and mutability = -1;
  update connection set confidence = 1.0 where id = new.id and mutability = 0 and confidence <> 1.0;
end;

-- No column list: one would miss `set rowid = …`, another name of the same column.
create trigger connection_id_update before update on connection when new.id is not old.id begin
  select raise(abort, 'ng:connection.id: the id of a connection can''t be changed');
end;

-- The edge is still at the old place where the connection moved by itself; it is gone from there where the connection
-- only follows. An edge in the way is never displaced, not even by `update or replace`: it may be somebody's.
create trigger connection_move after update of source, type, target, key on connection
when (old.source, old.type, old.target, old.key) is not (new.source, new.type, new.target, new.key)
begin
  select raise(abort, 'ng:connection.edge: an edge of that source, type, target and key exists already; delete it first')
    from edge
   where (source, type, target, key) = (old.source, old.type, old.target, old.key)
     and exists (
       select 1 from edge where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  update edge
     set source = new.source, type = new.type, target = new.target, key = new.key,
         bidirectional = (new.flags & 4) <> 0
   where (source, type, target, key) = (old.source, old.type, old.target, old.key);
  update connection
     set modified_ns = max(old.modified_ns + 1, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
   where id = new.id and new.modified_ns is old.modified_ns;
  select raise(abort, 'ng:connection.edge: source, type, target and key must name an edge')
   where not exists (
     select 1 from edge where (source, type, target, key) = (new.source, new.type, new.target, new.key));
end;

-- `update or ignore` would let the edge go and leave the connection behind, which can't be a loop.
create trigger connection_loop before update of source, target on edge
when new.source = new.target and exists (
  select 1 from connection where (source, type, target, key) = (old.source, old.type, old.target, old.key))
begin
  select raise(abort, 'ng:connection.loop: the ends of an edge with a connection must differ');
end;

-- Before, for then the connection is surely where the edge is: after, one of them may have moved.
create trigger connection_weight before update of weight on edge begin
  select case
    when not c.validation then null
    when new.weight > c.max_edge_weight and new.weight > old.weight
      or new.weight < c.min_edge_weight and new.weight < old.weight
    then null                                                      -- the edge's own rule will refuse it
    when (new.weight > c.max_connection_weight and new.weight > old.weight
       or new.weight < c.min_connection_weight and new.weight < old.weight)
     and exists (
       select 1 from connection where (source, type, target, key) = (old.source, old.type, old.target, old.key))
    then raise(abort, 'ng:connection.weight: weight must be within the constitution''s limits')
    end
    from cdna_current as c;
end;

create trigger connection_direction_insert after insert on connection
when (select bidirectional
        from edge
       where (source, type, target, key) = (new.source, new.type, new.target, new.key)) <> ((new.flags & 4) <> 0)
begin
  update edge
     set bidirectional = 1
   where (source, type, target, key) = (new.source, new.type, new.target, new.key) and (new.flags & 4) <> 0;
  update connection set flags = flags | 4 where id = new.id and (new.flags & 4) = 0;
end;

create trigger connection_direction_update after update of flags on connection
when (new.flags & 4) <> (old.flags & 4)
 and (old.source, old.type, old.target, old.key) is (new.source, new.type, new.target, new.key)     -- else: moved
begin
  update edge
     set bidirectional = (new.flags & 4) <> 0
   where (source, type, target, key) = (new.source, new.type, new.target, new.key)
     and bidirectional <> ((new.flags & 4) <> 0);
end;

-- The connection may be at the old place or the new one: which trigger runs first is not defined.
create trigger connection_direction_edge after update of bidirectional on edge
when new.bidirectional <> old.bidirectional
begin
  update connection
     set flags = (flags & ~4) | (new.bidirectional * 4)
   where (source, type, target, key) = (old.source, old.type, old.target, old.key)
     and (flags & 4) <> new.bidirectional * 4;
  update connection
     set flags = (flags & ~4) | (new.bidirectional * 4)
   where (source, type, target, key) = (new.source, new.type, new.target, new.key)
     and (flags & 4) <> new.bidirectional * 4;
end;

create trigger connection_limits_update after update of pull, rigidity on connection begin
  select case
    when not c.validation then null
    when new.pull > c.max_pull and new.pull > old.pull
      or new.pull < c.min_pull and new.pull < old.pull
    then raise(abort, 'ng:connection.pull: pull must be within the constitution''s limits')
    when new.rigidity > c.max_rigidity and new.rigidity > old.rigidity
      or new.rigidity < c.min_rigidity and new.rigidity < old.rigidity
    then raise(abort, 'ng:connection.rigidity: rigidity must be within the constitution''s limits')
    end
    from cdna_current as c;
end;

-- Not for what an activation changes (flags, rigidity, counter, time), nor while the row is being made. A move says it
-- itself: an edge that changes its direction names the key's columns too.
create trigger connection_modified after update of pull, preferred_distance, active_levels, mutability, confidence,
  evidence_count, learning_rate, decay_rate, origin, aim_physical, aim_sensory, aim_motor, aim_emotional, aim_cognitive,
  aim_social, aim_temporal, aim_abstract
on connection
when new.modified_ns is old.modified_ns and old.mutability <> -1
 and not (old.mutability = 0 and old.confidence <> 1.0)
begin
  update connection
     set modified_ns = max(old.modified_ns + 1, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
   where id = new.id;
end;

-- The triggers before an insert and an update look at the row that would be displaced by name: nothing can be undone
-- once it is gone. So they also refuse an insert that would have been ignored, where the word has another code.
create trigger entity_type_in_use_insert before insert on entity_type
when exists (
  select 1
    from entity_type as w
   where w.name = new.name and w.code is not new.code and exists (select 1 from token where entity_type = w.code))
begin
  select raise(abort, 'ng:entity_type.in_use: an entity type that tokens have can''t be displaced');
end;

create trigger entity_type_in_use_update before update on entity_type
when new.code is not old.code and exists (select 1 from token where entity_type = old.code)
  or exists (
    select 1
      from entity_type as w
     where w.name = new.name and w.code <> old.code and exists (select 1 from token where entity_type = w.code))
begin
  select raise(abort, 'ng:entity_type.in_use: an entity type that tokens have can''t be displaced or get another code');
end;

create trigger entity_type_in_use_delete before delete on entity_type
when exists (select 1 from token where entity_type = old.code)
begin
  select raise(abort, 'ng:entity_type.in_use: an entity type that tokens have can''t be deleted');
end;

create trigger domain_in_use_insert before insert on domain
when exists (
  select 1
    from domain as w
   where w.name = new.name and w.code is not new.code and exists (select 1 from token where domain = w.code))
begin
  select raise(abort, 'ng:domain.in_use: a domain that tokens have can''t be displaced');
end;

create trigger domain_in_use_update before update on domain
when new.code is not old.code and exists (select 1 from token where domain = old.code)
  or exists (
    select 1
      from domain as w
     where w.name = new.name and w.code <> old.code and exists (select 1 from token where domain = w.code))
begin
  select raise(abort, 'ng:domain.in_use: a domain that tokens have can''t be displaced or get another code');
end;

create trigger domain_in_use_delete before delete on domain
when exists (select 1 from token where domain = old.code)
begin
  select raise(abort, 'ng:domain.in_use: a domain that tokens have can''t be deleted');
end;

create trigger connection_type_in_use_insert before insert on connection_type
when exists (
  select 1
    from connection_type as w
   where w.name = new.name and w.code is not new.code and exists (select 1 from edge where type = w.code))
begin
  select raise(abort, 'ng:connection_type.in_use: a connection type that edges have can''t be displaced');
end;

create trigger connection_type_in_use_update before update on connection_type
when new.code is not old.code and exists (select 1 from edge where type = old.code)
  or exists (
    select 1
      from connection_type as w
     where w.name = new.name and w.code <> old.code and exists (select 1 from edge where type = w.code))
begin
  select raise(abort,
    'ng:connection_type.in_use: a connection type that edges have can''t be displaced or get another code');
end;

create trigger connection_type_in_use_delete before delete on connection_type
when exists (select 1 from edge where type = old.code)
begin
  select raise(abort, 'ng:connection_type.in_use: a connection type that edges have can''t be deleted');
end;
