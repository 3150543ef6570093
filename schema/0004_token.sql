-- Tokens: what the mind holds. A row is written directly, by anything that writes SQLite.
--
-- 1. An id is never reused and never changes.
-- 2. A level is defined when all three axes are set; one or two, or an infinite one, is refused. (`is true`: a CHECK
--    lets NULL through, and a comparison with a missing axis is NULL.)
-- 3. A row that is gone takes its edges and connections with it, on every path: foreign keys on or off,
--    `insert or replace` (which fires no delete trigger) included.
-- 4. The constitution's limits hold for rows inserted or changed. A value beyond a limit may always move towards it.
-- 5. Every change of existence, place, field or weight draws a new nonce for the row's chunk.
-- 6. Text holds no NUL character: a stock `.dump` ends a string at the first one.

create table token (
  id             integer primary key autoincrement check (id > 0),
  uid            blob    not null default (randomblob(16)) check (length(uid) = 16),   -- identity across copies
  label          text    unique check (label <> '' and instr(label, char(0)) = 0),
  entity_type    integer not null default 0 references entity_type (code),
  domain         integer not null default 0 references domain (code),
  flags          integer not null default 1 check (flags between 0 and 65535),
  weight         real    not null default 0.5 check (abs(weight) <= 1.7976931348623157e308),
  field_radius   real    not null default 1.0 check (field_radius between 0 and 1.7976931348623157e308),
  field_strength real    not null default 1.0 check (abs(field_strength) <= 1.7976931348623157e308),
  physical_x real, physical_y real, physical_z real,              -- metres: east, north, height
  sensory_x real, sensory_y real, sensory_z real,                 -- salience, valence, novelty
  motor_x real, motor_y real, motor_z real,                       -- speed m/s, acceleration m/s2, yaw rate rad/s
  emotional_x real, emotional_y real, emotional_z real,           -- valence, arousal, dominance
  cognitive_x real, cognitive_y real, cognitive_z real,           -- load, abstraction, certainty
  social_x real, social_y real, social_z real,                    -- closeness, status, membership
  temporal_x real, temporal_y real, temporal_z real,              -- offset s, duration s, frequency Hz
  abstract_x real, abstract_y real, abstract_z real,              -- nearness, causality, modality
  created_ns  integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  modified_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  legacy_id   integer,                                            -- the composite id of an imported record
  properties  text check (
    properties is null
    or json_valid(properties) and json_type(properties) = 'object' and instr(properties, char(0)) = 0),
  constraint physical check (
    physical_x is null and physical_y is null and physical_z is null
    or (abs(physical_x) <= 1.7976931348623157e308 and abs(physical_y) <= 1.7976931348623157e308 and abs(physical_z) <= 1.7976931348623157e308) is true),
  constraint sensory check (
    sensory_x is null and sensory_y is null and sensory_z is null
    or (abs(sensory_x) <= 1.7976931348623157e308 and abs(sensory_y) <= 1.7976931348623157e308 and abs(sensory_z) <= 1.7976931348623157e308) is true),
  constraint motor check (
    motor_x is null and motor_y is null and motor_z is null
    or (abs(motor_x) <= 1.7976931348623157e308 and abs(motor_y) <= 1.7976931348623157e308 and abs(motor_z) <= 1.7976931348623157e308) is true),
  constraint emotional check (
    emotional_x is null and emotional_y is null and emotional_z is null
    or (abs(emotional_x) <= 1.7976931348623157e308 and abs(emotional_y) <= 1.7976931348623157e308 and abs(emotional_z) <= 1.7976931348623157e308) is true),
  constraint cognitive check (
    cognitive_x is null and cognitive_y is null and cognitive_z is null
    or (abs(cognitive_x) <= 1.7976931348623157e308 and abs(cognitive_y) <= 1.7976931348623157e308 and abs(cognitive_z) <= 1.7976931348623157e308) is true),
  constraint social check (
    social_x is null and social_y is null and social_z is null
    or (abs(social_x) <= 1.7976931348623157e308 and abs(social_y) <= 1.7976931348623157e308 and abs(social_z) <= 1.7976931348623157e308) is true),
  constraint temporal check (
    temporal_x is null and temporal_y is null and temporal_z is null
    or (abs(temporal_x) <= 1.7976931348623157e308 and abs(temporal_y) <= 1.7976931348623157e308 and abs(temporal_z) <= 1.7976931348623157e308) is true),
  constraint abstract check (
    abstract_x is null and abstract_y is null and abstract_z is null
    or (abs(abstract_x) <= 1.7976931348623157e308 and abs(abstract_y) <= 1.7976931348623157e308 and abs(abstract_z) <= 1.7976931348623157e308) is true)
) strict;

-- The number of edges at a token, kept by triggers: counting at each insert made hubs ten times slower.
-- A bidirectional edge counts once in each column at both ends, a loop once in each. No row: no edges.
create table degree (
  token_id integer primary key,
  outgoing integer not null,
  incoming integer not null,
  total    integer not null
) strict;

-- Notes of rows about to be displaced. BEFORE triggers write them, which can't know whether a conflict will be resolved
-- by replacing; AFTER triggers take them away, and what a note's row left behind goes with the note. That is done by a
-- trigger of this table: SQLite sets up a trigger's whole program before it looks at the WHEN, which for a long one
-- costs every insert 0.4 µs.
create table displaced_token (
  id       integer primary key,
  replaced integer not null default 0      -- 1: by a row with the same id
) strict;

create trigger displaced_token_delete before delete on displaced_token
when old.replaced or not exists (select 1 from token where id = old.id)
begin
  delete from edge where source = old.id or target = old.id;
  insert into mark values ('token', old.id >> 9, random()) on conflict do update set nonce = excluded.nonce;
end;

create trigger token_label_before_insert before insert on token
when new.label is not null and exists (select 1 from token where label = new.label)
begin
  insert into displaced_token (id) select id from token where label = new.label on conflict do nothing;
end;

create trigger token_label_before_update before update of label on token
when new.label is not null and exists (select 1 from token where label = new.label and id <> old.id)
begin
  insert into displaced_token (id) select id from token where label = new.label on conflict do nothing;
end;

-- No column list: one would miss `set rowid = …`, another name of the same column.
create trigger token_id_update before update on token when new.id is not old.id begin
  select raise(abort, 'ng:token.id: the id of a token can''t be changed');
end;

create trigger token_displace_insert after insert on token
when exists (select 1 from displaced_token) or exists (select 1 from degree where token_id = new.id)
begin
  insert into displaced_token                                     -- a replaced row is a new token, without edges
  select new.id, 1 where exists (select 1 from degree where token_id = new.id)
      on conflict do update set replaced = 1;
  delete from displaced_token;
end;

create trigger token_displace_update after update of label on token
when exists (select 1 from displaced_token)
begin
  delete from displaced_token;
end;

-- Note and rules in one trigger: each further one adds 0.1 µs to an insert. Codes below 16 need no look-up, for no path
-- removes a reserved row. `validation` stands inside the case: a WHERE would keep SQLite from flattening the view (it
-- would then build all 80 columns of the version for each row).
create trigger token_insert after insert on token begin
  insert into mark values ('token', new.id >> 9, random()) on conflict do update set nonce = excluded.nonce;
  select case
    when new.entity_type not between 0 and 15 and not exists (select 1 from entity_type where code = new.entity_type)
    then raise(abort, 'ng:token.entity_type: entity_type must be a code of the table entity_type')
    when new.domain not between 0 and 15 and not exists (select 1 from domain where code = new.domain)
    then raise(abort, 'ng:token.domain: domain must be a code of the table domain')
    when not c.validation then null
    when new.entity_type > 255 and not (select allowed from entity_type where code = new.entity_type)
    then raise(abort, 'ng:token.entity_type: entity_type must be one whose row allows it')
    when not new.weight between c.min_token_weight and c.max_token_weight
    then raise(abort, 'ng:token.weight: weight must be within the constitution''s limits')
    when not new.field_radius between c.min_field_radius and c.max_field_radius
    then raise(abort, 'ng:token.field_radius: field_radius must be within the constitution''s limits')
    when not new.field_strength between c.min_field_strength and c.max_field_strength
    then raise(abort, 'ng:token.field_strength: field_strength must be within the constitution''s limits')
    end
    from cdna_current as c;
end;

create trigger token_delete after delete on token begin
  delete from edge where source = old.id or target = old.id;
  insert into mark values ('token', old.id >> 9, random()) on conflict do update set nonce = excluded.nonce;
end;

create trigger token_place after update of weight, field_radius, field_strength,
  physical_x, physical_y, physical_z, sensory_x, sensory_y, sensory_z, motor_x, motor_y, motor_z,
  emotional_x, emotional_y, emotional_z, cognitive_x, cognitive_y, cognitive_z, social_x, social_y,
  social_z, temporal_x, temporal_y, temporal_z, abstract_x, abstract_y, abstract_z
on token begin
  insert into mark values ('token', new.id >> 9, random()) on conflict do update set nonce = excluded.nonce;
end;

create trigger token_modified after update of label, entity_type, domain, flags, weight, field_radius, field_strength,
  physical_x, physical_y, physical_z, sensory_x, sensory_y, sensory_z, motor_x, motor_y, motor_z,
  emotional_x, emotional_y, emotional_z, cognitive_x, cognitive_y, cognitive_z, social_x, social_y,
  social_z, temporal_x, temporal_y, temporal_z, abstract_x, abstract_y, abstract_z, properties
on token when new.modified_ns is old.modified_ns begin
  update token
     set modified_ns = max(old.modified_ns + 1, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
   where id = new.id;
end;

create trigger token_vocabulary_update after update of entity_type, domain on token
when new.entity_type is not old.entity_type or new.domain is not old.domain
begin
  select case
    when not exists (select 1 from entity_type where code = new.entity_type)
    then raise(abort, 'ng:token.entity_type: entity_type must be a code of the table entity_type')
    when not exists (select 1 from domain where code = new.domain)
    then raise(abort, 'ng:token.domain: domain must be a code of the table domain')
    when not c.validation then null
    when new.entity_type > 255 and new.entity_type is not old.entity_type
     and not (select allowed from entity_type where code = new.entity_type)
    then raise(abort, 'ng:token.entity_type: entity_type must be one whose row allows it')
    end
    from cdna_current as c;
end;

create trigger token_limits_update after update of weight, field_radius, field_strength on token begin
  select case
    when not c.validation then null
    when new.weight > c.max_token_weight and new.weight > old.weight
      or new.weight < c.min_token_weight and new.weight < old.weight
    then raise(abort, 'ng:token.weight: weight must be within the constitution''s limits')
    when new.field_radius > c.max_field_radius and new.field_radius > old.field_radius
      or new.field_radius < c.min_field_radius and new.field_radius < old.field_radius
    then raise(abort, 'ng:token.field_radius: field_radius must be within the constitution''s limits')
    when new.field_strength > c.max_field_strength and new.field_strength > old.field_strength
      or new.field_strength < c.min_field_strength and new.field_strength < old.field_strength
    then raise(abort, 'ng:token.field_strength: field_strength must be within the constitution''s limits')
    end
    from cdna_current as c;
end;
