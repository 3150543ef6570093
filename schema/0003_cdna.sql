-- The constitution (CDNA): named profiles, and the append-only history of what was in force.
--
-- 1. A version is never changed or removed; the newest one that is confirmed or still on trial is in force.
-- 2. Versions are numbered from 1 without gaps, so a parent that is at least 1 and less than its child exists.
-- 3. Expiry of a trial is a rule of reading, so it is over for every reader and writer at the same moment. One trial
--    at a time: what follows a trial is the newest confirmed version.
-- 4. `validation` = 0 lifts the limits; what can never be legal stays refused by CHECKs and foreign keys.
-- 5. The fields, `validation` to `profile_state`, are the same in both tables, in the same order.

-- The six profiles below are reserved; users' own may be changed and removed, versions keep copies of the fields.

create table cdna_profile (
  name text not null primary key check (length(name) between 1 and 64 and instr(name, char(0)) = 0),
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
    check (length(allowed_types) = 256 and allowed_types not glob '*[^01]*' and instr(allowed_types, char(0)) = 0),
  -- evolution
  mutation_rate real not null default 0.01 check (mutation_rate between 0 and 1),
  crossover_rate real not null default 0.1 check (crossover_rate between 0 and 1),
  selection_pressure real not null default 0.5 check (selection_pressure between 0 and 1e9),
  evolution_flags integer not null default 0 check (evolution_flags between 0 and 4294967295),
  trace_sample_rate real not null default 0.01 check (trace_sample_rate between 0 and 1),
  -- weights of the levels in distances over several
  scale_physical real not null default 1.0 check (scale_physical between 0 and 20),
  scale_sensory real not null default 1.0 check (scale_sensory between 0 and 20),
  scale_motor real not null default 1.0 check (scale_motor between 0 and 20),
  scale_emotional real not null default 1.0 check (scale_emotional between 0 and 20),
  scale_cognitive real not null default 1.0 check (scale_cognitive between 0 and 30),
  scale_social real not null default 1.0 check (scale_social between 0 and 20),
  scale_temporal real not null default 1.0 check (scale_temporal between 0 and 21),
  scale_abstract real not null default 1.0 check (scale_abstract between 0 and 50),
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
  check (min_pull <= max_pull),
  check (scale_temporal <= 20 or profile_id = 3)          -- the limit is 20, and `creative` has 21
) strict, without rowid;

create table cdna (
  version    integer primary key check (version > 0),
  profile    text    not null default 'custom' check (length(profile) between 1 and 64 and instr(profile, char(0)) = 0),
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
    check (length(allowed_types) = 256 and allowed_types not glob '*[^01]*' and instr(allowed_types, char(0)) = 0),
  -- evolution
  mutation_rate real not null default 0.01 check (mutation_rate between 0 and 1),
  crossover_rate real not null default 0.1 check (crossover_rate between 0 and 1),
  selection_pressure real not null default 0.5 check (selection_pressure between 0 and 1e9),
  evolution_flags integer not null default 0 check (evolution_flags between 0 and 4294967295),
  trace_sample_rate real not null default 0.01 check (trace_sample_rate between 0 and 1),
  -- weights of the levels in distances over several
  scale_physical real not null default 1.0 check (scale_physical between 0 and 20),
  scale_sensory real not null default 1.0 check (scale_sensory between 0 and 20),
  scale_motor real not null default 1.0 check (scale_motor between 0 and 20),
  scale_emotional real not null default 1.0 check (scale_emotional between 0 and 20),
  scale_cognitive real not null default 1.0 check (scale_cognitive between 0 and 30),
  scale_social real not null default 1.0 check (scale_social between 0 and 20),
  scale_temporal real not null default 1.0 check (scale_temporal between 0 and 21),
  scale_abstract real not null default 1.0 check (scale_abstract between 0 and 50),
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
  parent     integer references cdna (version) check (parent between 1 and version - 1),   -- what it was made from
  action     text    not null default 'update' check (instr(action, char(0)) = 0),
  actor      text    not null default '' check (instr(actor, char(0)) = 0),
  reason     text    not null default '' check (instr(reason, char(0)) = 0),
  created_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  checksum   integer,                      -- of the fields; NULL until an engine fills it in
  trial      text check (                  -- see cdna_trial
    trial is null or json_valid(trial) and json_type(trial) = 'object' and instr(trial, char(0)) = 0),
  check (min_token_weight <= max_token_weight),
  check (min_field_radius <= max_field_radius),
  check (min_field_strength <= max_field_strength),
  check (min_edge_weight <= max_edge_weight),
  check (min_connection_weight <= max_connection_weight),
  check (min_rigidity <= max_rigidity),
  check (min_pull <= max_pull),
  check (scale_temporal <= 20 or profile_id = 3)          -- the limit is 20, and `creative` has 21
) strict;

-- What plain SQL wrote since the engine last did: empty, or nearly so.
create index cdna_unsigned on cdna (version) where checksum is null;

-- The inner query is a scalar: SQLite drops the ORDER BY, but not the LIMIT, of a view that it merges into a SELECT
-- whose rows a trigger discards, so `from cdna order by version desc limit 1` gave every trigger the first version.
-- Reading six limits through it costs a trigger 0.26 µs however long the history (from a table of one row 0.12), and
-- 0.07 more for each trial that ended since the newest confirmed version; the engine's next write confirms one.
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

-- The trial under way, if any: what became of the connections and tokens that were there when it began, and how much
-- of that it may cost. Ids are never reused, so those up to the last of then are the ones of then. NULL: not counted.
create view cdna_trial as
with trial as (
  select version, trial_deadline_ns,
         trial_deadline_ns / 1e9 - (julianday('now') - 2440587.5) * 86400 as time_left_s,
         coalesce(json_extract(trial, '$.broken_connections'), 10) as max_broken_connections,
         coalesce(json_extract(trial, '$.churn'), 0.3) as max_churn,
         coalesce(json_extract(trial, '$.growth'), 0.2) as max_growth,
         json_extract(trial, '$.start.connections') as connections,
         json_extract(trial, '$.start.tokens') as tokens,
         (select count(*) from connection) as connections_now,
         (select count(*) from connection where id > json_extract(trial, '$.start.last_connection')) as connections_new,
         (select count(*) from token) as tokens_now,
         (select count(*) from token where id > json_extract(trial, '$.start.last_token')) as tokens_new
    from cdna_current
   where trial_deadline_ns is not null
), counted as (
  select *,
         max(connections - (connections_now - connections_new), 0) as broken_connections,  -- of the start, gone
         max(tokens - (tokens_now - tokens_new), 0) * 1.0 / max(tokens, 1) as churn,       -- the same, as a share
         (tokens_now - tokens) * 1.0 / max(tokens, 1) as growth                            -- net, as a share
    from trial
)
select version, trial_deadline_ns, time_left_s, broken_connections, churn, growth,
       max_broken_connections, max_churn, max_growth,
       coalesce(broken_connections > max_broken_connections, 0)
         or coalesce(churn > max_churn, 0)
         or coalesce(growth > max_growth, 0) as exceeded
  from counted;

-- Limits of `explorer`, `analyzer`, `creative` from the originals' compiled table, scales from their service's.
insert into cdna_profile (name, profile_id) values ('default', 0), ('custom', 255);
insert into cdna_profile
  (name, profile_id, max_out_degree, max_in_degree, max_total_degree, mutation_rate, crossover_rate, mutation, strict,
   scale_physical, scale_sensory, scale_motor, scale_emotional,
   scale_cognitive, scale_social, scale_temporal, scale_abstract)
values
  ('explorer',   1, 2000, 1000, 4000, 0.05, 0.1, 0, 0, 1.0, 1.5, 1.2, 2.0,  3.0,  2.5,  2.0,  5.0),
  ('analyzer',   2,  500, 1000, 1000, 0.01, 0.1, 0, 1, 1.0, 1.0, 1.0, 1.5, 10.0,  5.0,  3.0, 20.0),
  ('creative',   3, 1000, 1000, 2000, 0.1,  0.2, 1, 0, 1.0, 2.0, 3.0, 5.0,  8.0, 13.0, 21.0, 34.0),
  ('quarantine', 4, 1000000, 1000000, 1000000, 0.01, 0.1, 0, 0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.5, 1.0, 3.0);

-- The defaults of the columns are those of the profile.
insert into cdna (profile, action, reason) values ('default', 'create', 'the first version of this file');

-- A new version in one statement, for those without the engine:
--   update cdna_current set max_out_degree = 500, reason = 'hubs';      what is not named stays
--   update cdna_current set trial_deadline_ns = null;                   confirms the trial under way
create trigger cdna_current_update instead of update on cdna_current begin
  select raise(abort, 'ng:cdna.trial: a change is on trial; confirm it (trial_deadline_ns = null) or wait for its end')
   where old.trial_deadline_ns is not null and new.trial_deadline_ns is not null;
  select raise(abort, 'ng:cdna.trial: the trial has cost more than it may; see cdna_trial')
    from cdna_trial
   where exceeded and new.trial_deadline_ns is null;
  insert into cdna (
    profile, trial_deadline_ns,
    validation, events, mutation, strict, min_token_weight, max_token_weight, min_field_radius, max_field_radius,
    min_field_strength, max_field_strength, min_edge_weight, max_edge_weight, max_out_degree, max_in_degree,
    max_total_degree, min_connection_weight, max_connection_weight, min_rigidity, max_rigidity, min_pull, max_pull,
    default_pull, decay_rate, allowed_types, mutation_rate, crossover_rate, selection_pressure, evolution_flags,
    trace_sample_rate, scale_physical, scale_sensory, scale_motor, scale_emotional, scale_cognitive, scale_social,
    scale_temporal, scale_abstract, bucket_physical, bucket_sensory, bucket_motor, bucket_emotional, bucket_cognitive,
    bucket_social, bucket_temporal, bucket_abstract, field_strength_limit_physical, field_strength_limit_sensory,
    field_strength_limit_motor, field_strength_limit_emotional, field_strength_limit_cognitive,
    field_strength_limit_social, field_strength_limit_temporal, field_strength_limit_abstract,
    dimension_flags_physical, dimension_flags_sensory, dimension_flags_motor, dimension_flags_emotional,
    dimension_flags_cognitive, dimension_flags_social, dimension_flags_temporal, dimension_flags_abstract, profile_id,
    profile_state,
    parent, action, actor, reason, trial)
  values (
    case when new.profile is old.profile and old.trial_deadline_ns is null then 'custom' else new.profile end,
    new.trial_deadline_ns,
    new.validation, new.events, new.mutation, new.strict, new.min_token_weight, new.max_token_weight,
    new.min_field_radius, new.max_field_radius, new.min_field_strength, new.max_field_strength, new.min_edge_weight,
    new.max_edge_weight, new.max_out_degree, new.max_in_degree, new.max_total_degree, new.min_connection_weight,
    new.max_connection_weight, new.min_rigidity, new.max_rigidity, new.min_pull, new.max_pull, new.default_pull,
    new.decay_rate, new.allowed_types, new.mutation_rate, new.crossover_rate, new.selection_pressure,
    new.evolution_flags, new.trace_sample_rate, new.scale_physical, new.scale_sensory, new.scale_motor,
    new.scale_emotional, new.scale_cognitive, new.scale_social, new.scale_temporal, new.scale_abstract,
    new.bucket_physical, new.bucket_sensory, new.bucket_motor, new.bucket_emotional, new.bucket_cognitive,
    new.bucket_social, new.bucket_temporal, new.bucket_abstract, new.field_strength_limit_physical,
    new.field_strength_limit_sensory, new.field_strength_limit_motor, new.field_strength_limit_emotional,
    new.field_strength_limit_cognitive, new.field_strength_limit_social, new.field_strength_limit_temporal,
    new.field_strength_limit_abstract, new.dimension_flags_physical, new.dimension_flags_sensory,
    new.dimension_flags_motor, new.dimension_flags_emotional, new.dimension_flags_cognitive,
    new.dimension_flags_social, new.dimension_flags_temporal, new.dimension_flags_abstract, new.profile_id,
    new.profile_state,
    old.version,
    case
      when new.action is not old.action then new.action
      when new.trial_deadline_ns is not null then 'trial'
      when old.trial_deadline_ns is not null then 'confirm'
      else 'update'
    end,
    case when new.actor is old.actor then '' else new.actor end,
    case when new.reason is old.reason then '' else new.reason end,
    case when new.trial_deadline_ns is not null then new.trial end);
end;

create trigger cdna_update before update of
  profile, trial_deadline_ns, validation, events, mutation, strict, min_token_weight, max_token_weight,
  min_field_radius, max_field_radius, min_field_strength, max_field_strength, min_edge_weight, max_edge_weight,
  max_out_degree, max_in_degree, max_total_degree, min_connection_weight, max_connection_weight, min_rigidity,
  max_rigidity, min_pull, max_pull, default_pull, decay_rate, allowed_types, mutation_rate, crossover_rate,
  selection_pressure, evolution_flags, trace_sample_rate, scale_physical, scale_sensory, scale_motor, scale_emotional,
  scale_cognitive, scale_social, scale_temporal, scale_abstract, bucket_physical, bucket_sensory, bucket_motor,
  bucket_emotional, bucket_cognitive, bucket_social, bucket_temporal, bucket_abstract, field_strength_limit_physical,
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

create trigger cdna_checksum before update of checksum on cdna when old.checksum is not null begin
  select raise(abort, 'ng:cdna.append_only: the checksum of a version can''t be changed');
end;

create trigger cdna_delete before delete on cdna begin
  select raise(abort, 'ng:cdna.append_only: a version of the constitution can''t be removed; write a new one');
end;

-- `insert or replace` fires no delete trigger, so a version number that exists is refused before it is displaced.
-- Before an insert, the number of a row that gives none is -1.
create trigger cdna_insert before insert on cdna begin
  select raise(abort, 'ng:cdna.append_only: a version of the constitution can''t be replaced; write a new one')
   where new.version between 1 and (select max(version) from cdna);
  select raise(abort, 'ng:cdna.trial: a change is on trial; confirm it, revert it or wait for its end')
    from cdna_current
   where trial_deadline_ns is not null and new.trial_deadline_ns is not null;
end;

create trigger cdna_number after insert on cdna
when new.version > 1 and not exists (select 1 from cdna where version = new.version - 1)
begin
  select raise(abort, 'ng:cdna.number: versions are numbered without gaps; leave the number out');
end;

create trigger cdna_profile_insert before insert on cdna_profile
when new.name in ('default', 'explorer', 'analyzer', 'creative', 'quarantine', 'custom')
begin
  select raise(abort, 'ng:cdna.profile: the six named profiles can''t be replaced; give yours another name');
end;

create trigger cdna_profile_update before update on cdna_profile
when old.name in ('default', 'explorer', 'analyzer', 'creative', 'quarantine', 'custom')
  or new.name in ('default', 'explorer', 'analyzer', 'creative', 'quarantine', 'custom')
begin
  select raise(abort, 'ng:cdna.profile: the six named profiles can''t be changed or taken; make one of your own');
end;

create trigger cdna_profile_delete before delete on cdna_profile
when old.name in ('default', 'explorer', 'analyzer', 'creative', 'quarantine', 'custom')
begin
  select raise(abort, 'ng:cdna.profile: the six named profiles can''t be removed');
end;
