-- Connections: an edge plus its dynamics.
--
-- 1. Each connection extends exactly one edge, each edge has at most one connection.
-- 2. Creating a connection creates its edge, in the same statement, unless it is there already.
-- 3. A connection whose edge is gone is gone; one whose edge moves moves along.
-- 4. Both ends differ: a token has no connection to itself.
-- 5. The constitution's limits hold for rows inserted or changed. A value beyond a limit may always move towards it.

create table connection (
  id                 integer primary key autoincrement check (id > 0),
  source             integer not null,
  type               integer not null default 80,
  target             integer not null check (source <> target),
  key                text    not null default '',
  rigidity           real    not null default 0.5 check (rigidity between 0 and 1),
  pull               real    not null default 0.5 check (abs(pull) <= 1.7976931348623157e308),
  preferred_distance real    not null default 1.0 check (preferred_distance between 0.01 and 100),
  active_levels      integer not null default 0 check (active_levels between 0 and 255),
  flags              integer not null default 0 check (flags between 0 and 255),
  activation_count   integer not null default 0 check (activation_count >= 0),
  last_activation_ns integer,                                    -- NULL: never
  mutability         integer not null default 1 check (mutability in (0, 1, 2)),  -- immutable, learnable, hypothesis
  confidence         real    not null default 0.5 check (confidence between 0 and 1),
  evidence_count     integer not null default 0 check (evidence_count >= 0),
  learning_rate      real    not null default 0.125 check (learning_rate between 0 and 1),
  decay_rate         real    not null default 0.0625 check (decay_rate between 0 and 1),
  origin             integer not null default 0 check (origin >= 0),     -- 0: by hand, else the proposal's id
  created_ns  integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  modified_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  -- What acting through the connection aims at: the first axis of each level.
  aim_physical real not null default 0.0, aim_sensory real not null default 0.0,
  aim_motor real not null default 0.0, aim_emotional real not null default 0.0,
  aim_cognitive real not null default 0.0, aim_social real not null default 0.0,
  aim_temporal real not null default 0.0, aim_abstract real not null default 0.0,
  unique (source, type, target, key),
  foreign key (source, type, target, key) references edge (source, type, target, key)
    on delete cascade on update cascade
) strict;

-- The foreign key is checked when the statement ends, so the edge may come after the row that needs it.
create trigger connection_insert after insert on connection begin
  insert into edge (source, type, target, key, bidirectional)
  select new.source, new.type, new.target, new.key, (new.flags & 4) <> 0
   where not exists (
     select 1
       from edge
      where (source, type, target, key) = (new.source, new.type, new.target, new.key));
  select case
    when not c.validation then null
    when not new.pull between c.min_pull and c.max_pull
    then raise(abort, 'ng:connection.pull: pull must be within the constitution''s limits')
    when not new.rigidity between c.min_rigidity and c.max_rigidity
    then raise(abort, 'ng:connection.rigidity: rigidity must be within the constitution''s limits')
    when (select weight from edge where (source, type, target, key) = (new.source, new.type, new.target, new.key))
         not between c.min_connection_weight and c.max_connection_weight
    then raise(abort, 'ng:connection.weight: weight must be within the constitution''s limits')
    end
    from cdna_current as c;
end;

-- No column list: one would miss `set rowid = …`, another name of the same column.
create trigger connection_id_update before update on connection when new.id is not old.id begin
  select raise(abort, 'ng:connection.id: the id of a connection can''t be changed');
end;

create trigger connection_edge_update after update of source, type, target, key on connection
when not exists (
  select 1 from edge where (source, type, target, key) = (new.source, new.type, new.target, new.key))
begin
  select raise(abort, 'ng:connection.edge: source, type, target and key must name an edge');
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
