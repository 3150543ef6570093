-- The constitution (CDNA): named profiles, and the append-only history of what was in force.
--
-- 1. A version is never changed or removed; the newest one that is confirmed or still on trial is in force.
-- 2. Expiry of a trial is a rule of reading, so it is over for every reader and writer at the same moment.
-- 3. `validation` = 0 lifts the limits; what can never be legal stays refused by CHECKs and foreign keys.

create table cdna_profile (
  name text not null primary key check (length(name) between 1 and 64),
  -- flags of the record
  validation integer not null default 1 check (validation in (0, 1)),
  events integer not null default 1 check (events in (0, 1)),
  mutation integer not null default 0 check (mutation in (0, 1)),
  strict integer not null default 0 check (strict in (0, 1)),
  -- tokens
  min_token_weight real not null default 0.0 check (min_token_weight between -1e9 and 1e9),
  max_token_weight real not null default 1.0 check (max_token_weight between -1e9 and 1e9),
  min_field_radius real not null default 0.0 check (min_field_radius between 0 and 1e9),
  max_field_radius real not null default 2.55 check (max_field_radius between 0 and 1e9),
  min_field_strength real not null default 0.0 check (min_field_strength between -1e9 and 1e9),
  max_field_strength real not null default 1.0 check (max_field_strength between -1e9 and 1e9),
  -- topology
  min_edge_weight real not null default 0.0 check (min_edge_weight between -1e9 and 1e9),
  max_edge_weight real not null default 1.0 check (max_edge_weight between -1e9 and 1e9),
  max_out_degree integer not null default 1000000 check (max_out_degree between 0 and 4294967295),
  max_in_degree integer not null default 1000000 check (max_in_degree between 0 and 4294967295),
  max_total_degree integer not null default 1000000 check (max_total_degree between 0 and 4294967295),
  -- connections
  min_connection_weight real not null default 0.0 check (min_connection_weight between -1e9 and 1e9),
  max_connection_weight real not null default 1.0 check (max_connection_weight between -1e9 and 1e9),
  min_rigidity real not null default 0.0 check (min_rigidity between 0 and 1),
  max_rigidity real not null default 1.0 check (max_rigidity between 0 and 1),
  min_pull real not null default -10.0 check (min_pull between -1e9 and 1e9),
  max_pull real not null default 10.0 check (max_pull between -1e9 and 1e9),
  default_pull real not null default 0.5 check (default_pull between -1e9 and 1e9),
  decay_rate real not null default 0.01 check (decay_rate between 0 and 1),
  -- 256 characters 0 or 1, the connection types below 256
  allowed_types text not null default ('1111111111111111111111111111111111111111111111111111111111111111'
    || '1111111111111111111111111111111111111111111111111111111111111111'
    || '1111111111111111111111111111111111111111111111111111111111111111'
    || '1111111111111111111111111111111111111111111111111111111111111111')
    check (length(allowed_types) = 256 and allowed_types not glob '*[^01]*'),
  -- evolution
  mutation_rate real not null default 0.01 check (mutation_rate between 0 and 1),
  crossover_rate real not null default 0.1 check (crossover_rate between 0 and 1),
  selection_pressure real not null default 0.5 check (selection_pressure between 0 and 1e9),
  evolution_flags integer not null default 0 check (evolution_flags between 0 and 4294967295),
  trace_sample_rate real not null default 0.01 check (trace_sample_rate between 0 and 1),
  -- weights of the levels in distances over several
  scale_physical real not null default 1.0 check (scale_physical between 0 and 100),
  scale_sensory real not null default 1.0 check (scale_sensory between 0 and 100),
  scale_motor real not null default 1.0 check (scale_motor between 0 and 100),
  scale_emotional real not null default 1.0 check (scale_emotional between 0 and 100),
  scale_cognitive real not null default 1.0 check (scale_cognitive between 0 and 100),
  scale_social real not null default 1.0 check (scale_social between 0 and 100),
  scale_temporal real not null default 1.0 check (scale_temporal between 0 and 100),
  scale_abstract real not null default 1.0 check (scale_abstract between 0 and 100),
  -- cell sizes: hints that never change an answer
  bucket_physical real not null default 10.0 check (bucket_physical between 0 and 1e9),
  bucket_sensory real not null default 10.0 check (bucket_sensory between 0 and 1e9),
  bucket_motor real not null default 10.0 check (bucket_motor between 0 and 1e9),
  bucket_emotional real not null default 10.0 check (bucket_emotional between 0 and 1e9),
  bucket_cognitive real not null default 10.0 check (bucket_cognitive between 0 and 1e9),
  bucket_social real not null default 10.0 check (bucket_social between 0 and 1e9),
  bucket_temporal real not null default 10.0 check (bucket_temporal between 0 and 1e9),
  bucket_abstract real not null default 10.0 check (bucket_abstract between 0 and 1e9),
  -- strongest field per level
  field_strength_limit_physical real not null default 1.0 check (field_strength_limit_physical between 0 and 1e9),
  field_strength_limit_sensory real not null default 1.0 check (field_strength_limit_sensory between 0 and 1e9),
  field_strength_limit_motor real not null default 1.0 check (field_strength_limit_motor between 0 and 1e9),
  field_strength_limit_emotional real not null default 1.0 check (field_strength_limit_emotional between 0 and 1e9),
  field_strength_limit_cognitive real not null default 1.0 check (field_strength_limit_cognitive between 0 and 1e9),
  field_strength_limit_social real not null default 1.0 check (field_strength_limit_social between 0 and 1e9),
  field_strength_limit_temporal real not null default 1.0 check (field_strength_limit_temporal between 0 and 1e9),
  field_strength_limit_abstract real not null default 1.0 check (field_strength_limit_abstract between 0 and 1e9),
  -- flags per level
  dimension_flags_physical integer not null default 255 check (dimension_flags_physical between 0 and 255),
  dimension_flags_sensory integer not null default 255 check (dimension_flags_sensory between 0 and 255),
  dimension_flags_motor integer not null default 255 check (dimension_flags_motor between 0 and 255),
  dimension_flags_emotional integer not null default 255 check (dimension_flags_emotional between 0 and 255),
  dimension_flags_cognitive integer not null default 255 check (dimension_flags_cognitive between 0 and 255),
  dimension_flags_social integer not null default 255 check (dimension_flags_social between 0 and 255),
  dimension_flags_temporal integer not null default 255 check (dimension_flags_temporal between 0 and 255),
  dimension_flags_abstract integer not null default 255 check (dimension_flags_abstract between 0 and 255),
  -- of the 384-byte record
  profile_id integer not null default 0 check (profile_id between 0 and 4294967295),
  profile_state integer not null default 5 check (profile_state between 0 and 4294967295),
  check (min_token_weight <= max_token_weight),
  check (min_field_radius <= max_field_radius),
  check (min_field_strength <= max_field_strength),
  check (min_edge_weight <= max_edge_weight),
  check (min_connection_weight <= max_connection_weight),
  check (min_rigidity <= max_rigidity),
  check (min_pull <= max_pull)
) strict, without rowid;

create table cdna (
  version    integer primary key autoincrement,
  profile    text    not null default 'custom' check (length(profile) between 1 and 64),
  trial_deadline_ns integer,               -- NULL: confirmed; else in force until then
  -- flags of the record
  validation integer not null default 1 check (validation in (0, 1)),
  events integer not null default 1 check (events in (0, 1)),
  mutation integer not null default 0 check (mutation in (0, 1)),
  strict integer not null default 0 check (strict in (0, 1)),
  -- tokens
  min_token_weight real not null default 0.0 check (min_token_weight between -1e9 and 1e9),
  max_token_weight real not null default 1.0 check (max_token_weight between -1e9 and 1e9),
  min_field_radius real not null default 0.0 check (min_field_radius between 0 and 1e9),
  max_field_radius real not null default 2.55 check (max_field_radius between 0 and 1e9),
  min_field_strength real not null default 0.0 check (min_field_strength between -1e9 and 1e9),
  max_field_strength real not null default 1.0 check (max_field_strength between -1e9 and 1e9),
  -- topology
  min_edge_weight real not null default 0.0 check (min_edge_weight between -1e9 and 1e9),
  max_edge_weight real not null default 1.0 check (max_edge_weight between -1e9 and 1e9),
  max_out_degree integer not null default 1000000 check (max_out_degree between 0 and 4294967295),
  max_in_degree integer not null default 1000000 check (max_in_degree between 0 and 4294967295),
  max_total_degree integer not null default 1000000 check (max_total_degree between 0 and 4294967295),
  -- connections
  min_connection_weight real not null default 0.0 check (min_connection_weight between -1e9 and 1e9),
  max_connection_weight real not null default 1.0 check (max_connection_weight between -1e9 and 1e9),
  min_rigidity real not null default 0.0 check (min_rigidity between 0 and 1),
  max_rigidity real not null default 1.0 check (max_rigidity between 0 and 1),
  min_pull real not null default -10.0 check (min_pull between -1e9 and 1e9),
  max_pull real not null default 10.0 check (max_pull between -1e9 and 1e9),
  default_pull real not null default 0.5 check (default_pull between -1e9 and 1e9),
  decay_rate real not null default 0.01 check (decay_rate between 0 and 1),
  -- 256 characters 0 or 1, the connection types below 256
  allowed_types text not null default ('1111111111111111111111111111111111111111111111111111111111111111'
    || '1111111111111111111111111111111111111111111111111111111111111111'
    || '1111111111111111111111111111111111111111111111111111111111111111'
    || '1111111111111111111111111111111111111111111111111111111111111111')
    check (length(allowed_types) = 256 and allowed_types not glob '*[^01]*'),
  -- evolution
  mutation_rate real not null default 0.01 check (mutation_rate between 0 and 1),
  crossover_rate real not null default 0.1 check (crossover_rate between 0 and 1),
  selection_pressure real not null default 0.5 check (selection_pressure between 0 and 1e9),
  evolution_flags integer not null default 0 check (evolution_flags between 0 and 4294967295),
  trace_sample_rate real not null default 0.01 check (trace_sample_rate between 0 and 1),
  -- weights of the levels in distances over several
  scale_physical real not null default 1.0 check (scale_physical between 0 and 100),
  scale_sensory real not null default 1.0 check (scale_sensory between 0 and 100),
  scale_motor real not null default 1.0 check (scale_motor between 0 and 100),
  scale_emotional real not null default 1.0 check (scale_emotional between 0 and 100),
  scale_cognitive real not null default 1.0 check (scale_cognitive between 0 and 100),
  scale_social real not null default 1.0 check (scale_social between 0 and 100),
  scale_temporal real not null default 1.0 check (scale_temporal between 0 and 100),
  scale_abstract real not null default 1.0 check (scale_abstract between 0 and 100),
  -- cell sizes: hints that never change an answer
  bucket_physical real not null default 10.0 check (bucket_physical between 0 and 1e9),
  bucket_sensory real not null default 10.0 check (bucket_sensory between 0 and 1e9),
  bucket_motor real not null default 10.0 check (bucket_motor between 0 and 1e9),
  bucket_emotional real not null default 10.0 check (bucket_emotional between 0 and 1e9),
  bucket_cognitive real not null default 10.0 check (bucket_cognitive between 0 and 1e9),
  bucket_social real not null default 10.0 check (bucket_social between 0 and 1e9),
  bucket_temporal real not null default 10.0 check (bucket_temporal between 0 and 1e9),
  bucket_abstract real not null default 10.0 check (bucket_abstract between 0 and 1e9),
  -- strongest field per level
  field_strength_limit_physical real not null default 1.0 check (field_strength_limit_physical between 0 and 1e9),
  field_strength_limit_sensory real not null default 1.0 check (field_strength_limit_sensory between 0 and 1e9),
  field_strength_limit_motor real not null default 1.0 check (field_strength_limit_motor between 0 and 1e9),
  field_strength_limit_emotional real not null default 1.0 check (field_strength_limit_emotional between 0 and 1e9),
  field_strength_limit_cognitive real not null default 1.0 check (field_strength_limit_cognitive between 0 and 1e9),
  field_strength_limit_social real not null default 1.0 check (field_strength_limit_social between 0 and 1e9),
  field_strength_limit_temporal real not null default 1.0 check (field_strength_limit_temporal between 0 and 1e9),
  field_strength_limit_abstract real not null default 1.0 check (field_strength_limit_abstract between 0 and 1e9),
  -- flags per level
  dimension_flags_physical integer not null default 255 check (dimension_flags_physical between 0 and 255),
  dimension_flags_sensory integer not null default 255 check (dimension_flags_sensory between 0 and 255),
  dimension_flags_motor integer not null default 255 check (dimension_flags_motor between 0 and 255),
  dimension_flags_emotional integer not null default 255 check (dimension_flags_emotional between 0 and 255),
  dimension_flags_cognitive integer not null default 255 check (dimension_flags_cognitive between 0 and 255),
  dimension_flags_social integer not null default 255 check (dimension_flags_social between 0 and 255),
  dimension_flags_temporal integer not null default 255 check (dimension_flags_temporal between 0 and 255),
  dimension_flags_abstract integer not null default 255 check (dimension_flags_abstract between 0 and 255),
  -- of the 384-byte record
  profile_id integer not null default 0 check (profile_id between 0 and 4294967295),
  profile_state integer not null default 5 check (profile_state between 0 and 4294967295),
  parent     integer references cdna (version),
  action     text    not null default 'update',
  actor      text    not null default '',
  reason     text    not null default '',
  created_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  checksum   integer,                      -- of the fields; NULL until an engine fills it in
  trial      text check (trial is null or json_valid(trial)),   -- thresholds and counts at the start of a trial
  check (min_token_weight <= max_token_weight),
  check (min_field_radius <= max_field_radius),
  check (min_field_strength <= max_field_strength),
  check (min_edge_weight <= max_edge_weight),
  check (min_connection_weight <= max_connection_weight),
  check (min_rigidity <= max_rigidity),
  check (min_pull <= max_pull)
) strict;

-- The inner query is a scalar: SQLite drops the ORDER BY, but not the LIMIT, of a view that it merges into a SELECT
-- whose rows a trigger discards, so `from cdna order by version desc limit 1` gave every trigger the first version.
create view cdna_current as
select *
  from cdna
 where version = (
   select version
     from cdna
    where trial_deadline_ns is null
       or trial_deadline_ns > cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000
    order by version desc
    limit 1);
-- Limits of `explorer`, `analyzer`, `creative` from the originals' compiled table, scales from their service's.
insert into cdna_profile (name) values ('default'), ('custom');
update cdna_profile set profile_id = 255 where name = 'custom';
insert into cdna_profile
  (name, profile_id, max_out_degree, max_in_degree, max_total_degree, mutation_rate, crossover_rate, mutation, strict,
   scale_physical, scale_sensory, scale_motor, scale_emotional,
   scale_cognitive, scale_social, scale_temporal, scale_abstract)
values
  ('explorer',   1, 2000, 1000, 4000, 0.05, 0.1, 0, 0, 1.0, 1.5, 1.2, 2.0,  3.0,  2.5,  2.0,  5.0),
  ('analyzer',   2,  500, 1000, 1000, 0.01, 0.1, 0, 1, 1.0, 1.0, 1.0, 1.5, 10.0,  5.0,  3.0, 20.0),
  ('creative',   3, 1000, 1000, 2000, 0.1,  0.2, 1, 0, 1.0, 2.0, 3.0, 5.0,  8.0, 13.0, 21.0, 34.0),
  ('quarantine', 4, 1000000, 1000000, 1000000, 0.01, 0.1, 0, 0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.5, 1.0, 3.0);

insert into cdna (profile, action, reason,
  validation, events, mutation, strict, min_token_weight, max_token_weight, min_field_radius,
  max_field_radius, min_field_strength, max_field_strength, min_edge_weight, max_edge_weight,
  max_out_degree, max_in_degree, max_total_degree, min_connection_weight, max_connection_weight,
  min_rigidity, max_rigidity, min_pull, max_pull, default_pull, decay_rate, allowed_types, mutation_rate,
  crossover_rate, selection_pressure, evolution_flags, trace_sample_rate, scale_physical, scale_sensory,
  scale_motor, scale_emotional, scale_cognitive, scale_social, scale_temporal, scale_abstract,
  bucket_physical, bucket_sensory, bucket_motor, bucket_emotional, bucket_cognitive, bucket_social,
  bucket_temporal, bucket_abstract, field_strength_limit_physical, field_strength_limit_sensory,
  field_strength_limit_motor, field_strength_limit_emotional, field_strength_limit_cognitive,
  field_strength_limit_social, field_strength_limit_temporal, field_strength_limit_abstract,
  dimension_flags_physical, dimension_flags_sensory, dimension_flags_motor, dimension_flags_emotional,
  dimension_flags_cognitive, dimension_flags_social, dimension_flags_temporal, dimension_flags_abstract,
  profile_id, profile_state)
select name, 'create', 'the first version of this file',
  validation, events, mutation, strict, min_token_weight, max_token_weight, min_field_radius,
  max_field_radius, min_field_strength, max_field_strength, min_edge_weight, max_edge_weight,
  max_out_degree, max_in_degree, max_total_degree, min_connection_weight, max_connection_weight,
  min_rigidity, max_rigidity, min_pull, max_pull, default_pull, decay_rate, allowed_types, mutation_rate,
  crossover_rate, selection_pressure, evolution_flags, trace_sample_rate, scale_physical, scale_sensory,
  scale_motor, scale_emotional, scale_cognitive, scale_social, scale_temporal, scale_abstract,
  bucket_physical, bucket_sensory, bucket_motor, bucket_emotional, bucket_cognitive, bucket_social,
  bucket_temporal, bucket_abstract, field_strength_limit_physical, field_strength_limit_sensory,
  field_strength_limit_motor, field_strength_limit_emotional, field_strength_limit_cognitive,
  field_strength_limit_social, field_strength_limit_temporal, field_strength_limit_abstract,
  dimension_flags_physical, dimension_flags_sensory, dimension_flags_motor, dimension_flags_emotional,
  dimension_flags_cognitive, dimension_flags_social, dimension_flags_temporal, dimension_flags_abstract,
  profile_id, profile_state
  from cdna_profile
 where name = 'default';

create trigger cdna_update before update of
  version, profile, trial_deadline_ns, validation, events, mutation, strict, min_token_weight,
  max_token_weight, min_field_radius, max_field_radius, min_field_strength, max_field_strength,
  min_edge_weight, max_edge_weight, max_out_degree, max_in_degree, max_total_degree, min_connection_weight,
  max_connection_weight, min_rigidity, max_rigidity, min_pull, max_pull, default_pull, decay_rate,
  allowed_types, mutation_rate, crossover_rate, selection_pressure, evolution_flags, trace_sample_rate,
  scale_physical, scale_sensory, scale_motor, scale_emotional, scale_cognitive, scale_social,
  scale_temporal, scale_abstract, bucket_physical, bucket_sensory, bucket_motor, bucket_emotional,
  bucket_cognitive, bucket_social, bucket_temporal, bucket_abstract, field_strength_limit_physical,
  field_strength_limit_sensory, field_strength_limit_motor, field_strength_limit_emotional,
  field_strength_limit_cognitive, field_strength_limit_social, field_strength_limit_temporal,
  field_strength_limit_abstract, dimension_flags_physical, dimension_flags_sensory, dimension_flags_motor,
  dimension_flags_emotional, dimension_flags_cognitive, dimension_flags_social, dimension_flags_temporal,
  dimension_flags_abstract, profile_id, profile_state, parent, action, actor, reason, created_ns, trial
on cdna begin
  select raise(abort, 'ng:cdna.append_only: a version of the constitution can''t be changed; write a new one');
end;

-- No column list: one would miss `set rowid = …`, another name of the same column.
create trigger cdna_version before update on cdna when new.version is not old.version begin
  select raise(abort, 'ng:cdna.append_only: the number of a version can''t be changed');
end;

create trigger cdna_checksum before update of checksum on cdna
when old.checksum is not null
begin
  select raise(abort, 'ng:cdna.append_only: the checksum of a version can''t be changed');
end;

create trigger cdna_delete before delete on cdna begin
  select raise(abort, 'ng:cdna.append_only: a version of the constitution can''t be removed; write a new one');
end;

-- `insert or replace` fires no delete trigger, so a version number that exists is refused before it is displaced.
create trigger cdna_insert before insert on cdna
when new.version <= (select max(version) from cdna)
 and new.version > 0
begin
  select raise(abort, 'ng:cdna.append_only: a version of the constitution can''t be replaced; write a new one');
end;
