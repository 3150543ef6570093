-- Events: what happened, in order, typed; and experience: state, action and what they were worth.
--
-- 1. An event is never changed, and never displaced. Its id is the next number of the file, none is used again: the
--    newest event stays, and ids are counted from it.
-- 2. Events go in one way: `trimmed_to` of their type is raised, and what the type had up to there is gone and counted
--    in `trimmed`. So the ids that are missing are as many as were trimmed.
-- 3. created_ns never falls from one event to the next: an event that a clock put before its predecessor has that
--    one's. So a time is found by its place among the ids, without an index, and each index is a page more in every
--    commit.
-- 4. Triggers write events in the transaction of what happened, where `enabled` of the type is 1: one for each row. A
--    bulk call writes one for all its rows, with `first`, `last` and `count` of their ids. Those of tables that are
--    written often are made when their type is switched on: see per_event_type/triggers.sql.
-- 5. Types stay, and so do their ids and names. Ours have the original's codes where it has them, up to 61440.
-- 6. Of an experience only the rewards are set later, until it is fully appraised (flag 16), and that once.

create table event_type (
  id          integer primary key check (id > 0),
  name        text    not null unique check (
    name <> '' and instr(name, char(0)) = 0 and instr(name, '*') = 0
    and name not like '.%' and name not like '%.' and instr(name, '..') = 0),
  enabled     integer not null default 1 check (enabled in (0, 1)),
  by_triggers integer not null default 0 check (by_triggers in (0, 1)),          -- written by triggers, or emitted
  description text    check (instr(description, char(0)) = 0),
  trimmed_to  integer not null default 0,
  trimmed     integer not null default 0
) strict;

create table event (
  id         integer primary key check (id > 0),
  type_id    integer not null references event_type (id),
  created_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  data       text    not null default '{}' check (
    json_valid(data) and json_type(data) = 'object' and instr(data, char(0)) = 0)
) strict;

create table experience (
  id             integer primary key autoincrement check (id > 0),
  uid            blob    not null default (randomblob(16)) check (length(uid) = 16),       -- identity across copies
  episode        integer not null check (episode >= 0),
  step           integer not null check (step between 0 and 4294967295),
  type_id        integer not null default 513 references event_type (id),
  flags          integer not null default 0 check (flags between 0 and 65535),
  created_ns     integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  existence      real    not null check (existence between 0 and 1),              -- the state
  novelty        real    not null check (novelty between 0 and 1),
  velocity       real    not null check (velocity between 0 and 1),
  attention      real    not null check (attention between 0 and 1),
  cognitive_load real    not null check (cognitive_load between 0 and 1),
  certainty      real    not null check (certainty between 0 and 1),
  valence        real    not null check (valence between -1 and 1),
  coherence      real    not null check (coherence between 0 and 1),
  action_1       real    not null default 0.0 check (abs(action_1) <= 1.7976931348623157e308),
  action_2       real    not null default 0.0 check (abs(action_2) <= 1.7976931348623157e308),
  action_3       real    not null default 0.0 check (abs(action_3) <= 1.7976931348623157e308),
  action_4       real    not null default 0.0 check (abs(action_4) <= 1.7976931348623157e308),
  action_5       real    not null default 0.0 check (abs(action_5) <= 1.7976931348623157e308),
  action_6       real    not null default 0.0 check (abs(action_6) <= 1.7976931348623157e308),
  action_7       real    not null default 0.0 check (abs(action_7) <= 1.7976931348623157e308),
  action_8       real    not null default 0.0 check (abs(action_8) <= 1.7976931348623157e308),
  homeostasis    real    check (abs(homeostasis) <= 1.7976931348623157e308),     -- the rewards; NULL: not set
  curiosity      real    check (abs(curiosity) <= 1.7976931348623157e308),
  efficiency     real    check (abs(efficiency) <= 1.7976931348623157e308),
  goal           real    check (abs(goal) <= 1.7976931348623157e308),
  reward         real    generated always as (
    coalesce(homeostasis, 0.0) + coalesce(curiosity, 0.0) + coalesce(efficiency, 0.0) + coalesce(goal, 0.0)) virtual,
  policy_hash    integer check (policy_hash between 0 and 4294967295),
  intent         text    check (instr(intent, char(0)) = 0),
  executor       text    check (instr(executor, char(0)) = 0),
  parameters     text    check (
    parameters is null
    or json_valid(parameters) and json_type(parameters) = 'object' and instr(parameters, char(0)) = 0)
) strict;

create index experience_episode on experience (episode, step);

insert into event_type (id, name, enabled, by_triggers, description) values
  (1, 'system.startup', 1, 0, 'a program began; the program emits it'),
  (2, 'system.shutdown', 1, 0, 'a program ended; the program emits it'),
  (16, 'cdna.updated', 1, 1, 'the constitution has a new version'),
  (17, 'adna.updated', 1, 0, 'a policy changed; the program emits it'),
  (256, 'token.created', 0, 1, 'tokens were created'),
  (257, 'token.deleted', 0, 1, 'tokens were deleted'),
  (258, 'token.activated', 1, 0, 'a token was activated; the program emits it'),
  (259, 'token.updated', 0, 1, 'columns of tokens were written'),
  (272, 'connection.created', 0, 1, 'connections were created'),
  (273, 'connection.deleted', 0, 1, 'connections were deleted'),
  (274, 'connection.activated', 0, 1, 'a connection was activated'),
  (275, 'connection.updated', 0, 1, 'columns of a connection were written, and not by an activation'),
  (512, 'action.started', 1, 0, 'the program emits it'),
  (513, 'action.completed', 1, 0, 'the program emits it'),
  (514, 'action.failed', 1, 0, 'the program emits it'),
  (768, 'reward.homeostasis', 1, 0, 'the program emits it'),
  (769, 'reward.curiosity', 1, 0, 'the program emits it'),
  (770, 'reward.efficiency', 1, 0, 'the program emits it'),
  (771, 'reward.goal', 1, 0, 'the program emits it'),
  (1024, 'proposal.generated', 1, 0, 'the program emits it'),
  (1025, 'proposal.accepted', 1, 0, 'the program emits it'),
  (1026, 'proposal.rejected', 1, 0, 'the program emits it'),
  (1280, 'queue.published', 0, 1, 'a message is there'),
  (1281, 'queue.claimed', 0, 1, 'a message was claimed'),
  (1282, 'queue.done', 0, 1, 'a message was acked'),
  (1283, 'queue.failed', 0, 1, 'an attempt at a message failed'),
  (1284, 'queue.dead', 0, 1, 'a message failed for good'),
  (1285, 'queue.dropped', 0, 1, 'a message was deleted before it was done: expired, evicted, cancelled, purged'),
  (1536, 'feedback.given', 1, 1, 'something was said of an answer'),
  (1537, 'feedback.undone', 1, 1, 'feedback was undone'),
  (1792, 'experience.recorded', 0, 1, 'an experience was recorded'),
  (1793, 'experience.appraised', 0, 1, 'the rewards of an experience are all set'),
  (61440, 'custom', 1, 0, 'what has no type of its own; types of users follow');

-- Abort, where `insert or replace` would displace a type.
create trigger event_type_insert before insert on event_type
when new.id between 1 and 61440 or exists (select 1 from event_type where name = new.name or id = new.id)
begin
  select raise(abort, 'ng:event_type.name: an event type must have a name of its own, and an id above 61440');
end;

create trigger event_type_new after insert on event_type
when new.trimmed_to <> 0 or new.trimmed <> 0 or new.by_triggers
begin
  select raise(abort, 'ng:event_type.trimmed_to: trimmed_to, trimmed and by_triggers are ours; leave them out');
end;

-- No column list: one would miss `set rowid = …`, another name of the same column.
create trigger event_type_update before update on event_type
when new.id is not old.id or new.name is not old.name or new.by_triggers is not old.by_triggers
  or new.trimmed_to < old.trimmed_to
  or new.trimmed_to > old.trimmed_to and new.trimmed_to >= coalesce((select max(id) from event), 0)
begin
  select case
    when new.id is not old.id or new.name is not old.name or new.by_triggers is not old.by_triggers
    then raise(abort, 'ng:event_type.name: the id and the name of an event type can''t be changed')
    when new.trimmed_to < old.trimmed_to
    then raise(abort, 'ng:event_type.trimmed_to: trimmed_to must not fall; what was trimmed is gone')
    else raise(abort, 'ng:event_type.trimmed_to: the newest event must stay; ids are counted from it')
    end;
end;

create trigger event_type_enabled after update of enabled on event_type
when new.enabled and not old.enabled and new.by_triggers and not exists (
  select 1 from sqlite_schema where type = 'trigger' and name = 'event_' || replace(new.name, '.', '_'))
begin
  select raise(abort, 'ng:event_type.enabled: an event type must have its triggers; db.events.enable makes them');
end;

create trigger event_type_delete before delete on event_type begin
  select raise(abort, 'ng:event_type.name: an event type can''t be deleted; set enabled = 0');
end;

create trigger event_type_trim after update of trimmed_to on event_type when new.trimmed_to > old.trimmed_to begin
  update event_type
     set trimmed = trimmed + (
       select count(*) from event where id > old.trimmed_to and id <= new.trimmed_to and type_id = new.id)
   where id = new.id;
  delete from event where id > old.trimmed_to and id <= new.trimmed_to and type_id = new.id;
end;

create trigger event_before_insert before insert on event
when not exists (select 1 from event_type where id = new.type_id) or exists (select 1 from event where id = new.id)
begin
  select case
    when exists (select 1 from event where id = new.id)
    then raise(abort, 'ng:event.id: the id of an event must be the next number; leave it out')
    else raise(abort, 'ng:event.type_id: type_id must be the id of an event type')
    end;
end;

create trigger event_insert after insert on event
when coalesce((select created_ns from event where id = new.id - 1) > new.created_ns, new.id > 1)
begin
  select raise(abort, 'ng:event.id: the id of an event must be the next number; leave it out')
   where not exists (select 1 from event where id = new.id - 1);
  update event set created_ns = (select created_ns from event where id = new.id - 1) where id = new.id;
end;

-- Every update but the one by which the trigger before gives a time.
create trigger event_update before update on event
when new.id is not old.id or new.type_id is not old.type_id or new.data is not old.data
  or new.created_ns is not (select created_ns from event where id = old.id - 1) or new.created_ns <= old.created_ns
begin
  select raise(abort, 'ng:event.append_only: what happened can''t be rewritten');
end;

create trigger event_delete before delete on event
when old.id > (select trimmed_to from event_type where id = old.type_id)
begin
  select raise(abort, 'ng:event.append_only: what happened can''t be deleted; raise trimmed_to of its event type');
end;

create trigger experience_before_insert before insert on experience
when not exists (select 1 from event_type where id = new.type_id)
  or exists (select 1 from experience where id = new.id)
begin
  select case
    when exists (select 1 from experience where id = new.id)
    then raise(abort, 'ng:experience.id: an experience must have an id of its own; leave it out')
    else raise(abort, 'ng:experience.type_id: type_id must be the id of an event type')
    end;
end;

create trigger experience_update before update on experience
when new.id is not old.id
  or (new.uid, new.episode, new.step, new.type_id, new.created_ns)
     is not (old.uid, old.episode, old.step, old.type_id, old.created_ns)
  or (new.existence, new.novelty, new.velocity, new.attention, new.cognitive_load, new.certainty, new.valence,
      new.coherence)
     is not (old.existence, old.novelty, old.velocity, old.attention, old.cognitive_load, old.certainty, old.valence,
      old.coherence)
  or (new.action_1, new.action_2, new.action_3, new.action_4, new.action_5, new.action_6, new.action_7, new.action_8)
     is not (old.action_1, old.action_2, old.action_3, old.action_4, old.action_5, old.action_6, old.action_7,
      old.action_8)
  or (new.policy_hash, new.intent, new.executor, new.parameters)
     is not (old.policy_hash, old.intent, old.executor, old.parameters)
  or new.flags <> old.flags and new.flags <> old.flags | 16
  or (old.flags & 16) and (new.homeostasis, new.curiosity, new.efficiency, new.goal)
     is not (old.homeostasis, old.curiosity, old.efficiency, old.goal)
begin
  select case
    when (old.flags & 16) and (new.homeostasis, new.curiosity, new.efficiency, new.goal)
         is not (old.homeostasis, old.curiosity, old.efficiency, old.goal)
    then raise(abort, 'ng:experience.appraised: the rewards of what is fully appraised can''t be changed')
    else raise(abort, 'ng:experience.append_only: of an experience only the rewards are set later, and flag 16')
    end;
end;

-- Where a shell emits by the type's name; as rows, what happened.
create view event_log as
select e.id, t.name as type, e.created_ns, e.data from event as e join event_type as t on t.id = e.type_id;

create trigger event_log_insert instead of insert on event_log begin
  select raise(abort, 'ng:event_log.type: type must be the name of an event type; insert it into event_type')
   where not exists (select 1 from event_type where name = new.type);
  insert into event (type_id, created_ns, data)
  select id, coalesce(new.created_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
         coalesce(new.data, '{}')
    from event_type
   where name = new.type and enabled;
end;

create trigger event_cdna_updated after insert on cdna when (select enabled from event_type where id = 16) begin
  insert into event (type_id, data)
  values (16, json_object('version', new.version, 'action', new.action, 'profile', new.profile));
end;

create trigger event_feedback_given after insert on feedback when (select enabled from event_type where id = 1536) begin
  insert into event (type_id, data)
  values (1536, json_object('id', new.id, 'kind', new.kind));
end;

create trigger event_feedback_undone after update of undone_ns on feedback
when old.undone_ns is null and new.undone_ns is not null and (select enabled from event_type where id = 1537)
begin
  insert into event (type_id, data)
  values (1537, json_object('id', new.id, 'kind', new.kind));
end;
