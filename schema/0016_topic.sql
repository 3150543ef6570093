-- Topics: a log that is only appended to, and subscriptions that read it, each with a cursor and its exceptions.
--
-- 1. The id of an entry is its sequence: never used again, and in the order of commits, as only one writes at a time.
--    So what has been read up to an id is complete: nothing appears below it later, on any path.
-- 2. A subscription has settled what is at or below its cursor, but for its rows in delivery: claimed, ready (again),
--    delayed or dead. None of these is above the cursor; a cursor that is set back takes those above it away.
-- 3. due_ns is when time alone changes a delivery: delayed: it becomes ready; claimed: others may take it. A claimed
--    delivery, and no other, has a `claim`: a random number that only who claimed it knows.
-- 4. An entry that is gone takes its deliveries with it. Where a subscription that asks for its topic had not settled
--    it, that one counts it as missed, whoever deleted it: a gap is never hidden.
-- 5. A topic with keep_entries or keep_bytes counts what it has; others don't: a publish in them writes one page less.
--    Nothing is refused: what is beyond a limit is deleted in slices by later publishes and by db.topics.trim().
-- 6. A topic that is gone takes its entries with it, a subscription its deliveries, on every path: foreign keys on or
--    off. No row is displaced by another of its id or name.
-- 7. Each page that a publish touches is written to the log. So there is one index beside the table, and
--    sqlite_sequence, a page of its own, is raised ahead of the ids, which are drawn from the newest and from
--    topic_entry_floor.

create table topic (
  id           integer primary key autoincrement check (id > 0),
  name         text    not null unique check (
    name <> '' and instr(name, char(0)) = 0 and instr(name, '*') = 0),
  keep_ms      integer check (keep_ms between 1 and 3155760000000),              -- NULL: however old
  keep_entries integer check (keep_entries > 0),                                 -- NULL: however many
  keep_bytes   integer check (keep_bytes > 0),                                   -- of headers and payloads; NULL: all
  entries      integer not null default 0,                                       -- counted where one of these is set
  bytes        integer not null default 0,
  trimmed_id   integer not null default 0,                                       -- the newest entry that was deleted
  created_ns   integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
) strict;

create table topic_entry (
  id           integer primary key autoincrement check (id > 0),
  topic_id     integer not null references topic (id),
  published_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  headers      text    check (
    headers is null or json_valid(headers) and json_type(headers) = 'object' and instr(headers, char(0)) = 0),
  payload      any     not null check (
    typeof(payload) = 'blob' or typeof(payload) = 'text' and json_valid(payload) and instr(payload, char(0)) = 0)
) strict;

create index topic_entry_topic on topic_entry (topic_id);

-- The newest entry that was deleted when no other was newer: ids go on above it. An entry inserted without an id takes
-- the next of sqlite_sequence, which is never below.
create table topic_entry_floor (
  one      integer primary key check (one = 1),
  entry_id integer not null
) strict;

insert into topic_entry_floor values (1, 0);

create table subscription (
  id              integer primary key autoincrement check (id > 0),
  name            text    not null unique check (name <> '' and instr(name, char(0)) = 0),
  pattern         text    not null check (                                       -- a topic; or with * at its end, more
    pattern <> '' and instr(pattern, char(0)) = 0 and instr(substr(pattern, 1, length(pattern) - 1), '*') = 0),
  condition       text    check (json_valid(condition) and json_type(condition) = 'object'),  -- NULL: all entries
  cursor          integer not null default 0 check (cursor >= 0),
  lease_ms        integer not null default 30000 check (lease_ms between 1 and 3155760000000),
  attempts        integer not null default 5 check (attempts > 0),
  backoff         text    not null default 'exponential' check (backoff in ('fixed', 'exponential')),
  backoff_ms      integer not null default 1000 check (backoff_ms between 0 and 3155760000000),
  backoff_most_ms integer not null default 300000 check (backoff_most_ms between 0 and 3155760000000),
  jitter          real    not null default 0.1 check (jitter between 0 and 1),   -- share of a back-off that is random
  paused          integer not null default 0 check (paused in (0, 1)),
  missed          integer not null default 0,                                    -- deleted before they were settled
  created_ns      integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
) strict;

-- The exceptions of subscriptions. By entry first, so that one that is trimmed finds its own.
create table delivery (
  entry_id        integer not null references topic_entry (id) on delete cascade,
  subscription_id integer not null references subscription (id) on delete cascade,
  state           text    not null check (
    state = 'claimed' or state = 'ready' or state = 'delayed' or state = 'dead'),
  due_ns          integer,
  attempts        integer not null default 0 check (attempts >= 0),              -- claims that count, this one included
  claim           integer,
  error           text,                                                          -- of the last attempt that failed
  trace           text,
  failed_ns       integer,
  primary key (entry_id, subscription_id),
  constraint claim check ((claim is null) = (state <> 'claimed')),
  constraint due check ((due_ns is null) = (state = 'ready' or state = 'dead'))
) strict, without rowid;

create index delivery_ready on delivery (subscription_id) where state = 'ready';
create index delivery_due on delivery (subscription_id, due_ns) where due_ns is not null;
create index delivery_dead on delivery (subscription_id) where state = 'dead';

-- Abort, where `insert or replace` would displace a topic with all its entries.
create trigger topic_insert before insert on topic
when exists (select 1 from topic where name = new.name or id = new.id)
begin
  select raise(abort, 'ng:topic.name: a topic must have an id and a name of its own');
end;

-- Patterns ask for names; so a topic keeps its own.
create trigger topic_update before update on topic
when new.id is not old.id or new.name is not old.name
begin
  select raise(abort, 'ng:topic.name: id and name of a topic can''t be changed');
end;

create trigger topic_count_insert after insert on topic
when new.entries <> 0 or new.bytes <> 0 or new.trimmed_id <> 0
begin
  update topic set entries = 0, bytes = 0, trimmed_id = 0 where id = new.id;
end;

create trigger topic_count_update after update of keep_entries, keep_bytes on topic
when (old.keep_entries is null and old.keep_bytes is null) <> (new.keep_entries is null and new.keep_bytes is null)
begin
  update topic
     set entries = 0, bytes = 0
   where id = new.id and new.keep_entries is null and new.keep_bytes is null;
  update topic
     set entries = (select count(*) from topic_entry where topic_id = new.id),
         bytes = (
           select coalesce(sum(length(cast(payload as blob)) + coalesce(length(cast(headers as blob)), 0)), 0)
             from topic_entry where topic_id = new.id)
   where id = new.id and not (new.keep_entries is null and new.keep_bytes is null);
end;

-- Before, so that what is missed can still be told by the topic's name.
create trigger topic_delete before delete on topic begin
  delete from topic_entry where topic_id = old.id;
end;

-- An entry with an id of its own must be the newest: a reader is past all others. Without one it is -1 here.
create trigger topic_entry_insert_before before insert on topic_entry
when new.id <> -1
 and (new.id <= (select max(id) from topic_entry) or new.id <= (select entry_id from topic_entry_floor))
begin
  select raise(abort, 'ng:topic_entry.id: an entry must be newer than all that ever were; leave its id out');
end;

-- After, as an insert that is ignored must not be counted. One look at the topic for both: 0.1 µs of an entry's 4.
create trigger topic_entry_insert_after after insert on topic_entry
when (select keep_entries is not null or keep_bytes is not null from topic where id = new.topic_id) is not 0
begin
  select raise(abort, 'ng:topic_entry.topic_id: topic_id must be the id of a topic')
   where not exists (select 1 from topic where id = new.topic_id);
  update topic
     set entries = entries + 1,
         bytes = bytes + length(cast(new.payload as blob)) + coalesce(length(cast(new.headers as blob)), 0)
   where id = new.topic_id;
end;

create trigger topic_entry_update before update on topic_entry
when new.id is not old.id or new.topic_id is not old.topic_id or new.published_ns is not old.published_ns
  or new.headers is not old.headers or new.payload is not old.payload
begin
  select raise(abort, 'ng:topic_entry.id: what was published can''t be changed; publish anew');
end;

-- Before, as foreign keys take deliveries along before a trigger after it runs.
create trigger topic_entry_delete_before before delete on topic_entry
when exists (select 1 from subscription where cursor < old.id) or exists (select 1 from delivery where entry_id = old.id)
begin
  update subscription
     set missed = missed + 1
   where (cursor < old.id
          or exists (
            select 1 from delivery
             where entry_id = old.id and delivery.subscription_id = subscription.id and state <> 'dead'))
     and case
       when pattern like '%*' then
         substr((select name from topic where id = old.topic_id), 1, length(pattern) - 1)
         = substr(pattern, 1, length(pattern) - 1)
       else pattern = (select name from topic where id = old.topic_id)
       end;
  delete from delivery where entry_id = old.id;
end;

create trigger topic_entry_delete_after after delete on topic_entry begin
  update topic
     set trimmed_id = max(trimmed_id, old.id),
         entries = entries - (keep_entries is not null or keep_bytes is not null),
         bytes = bytes - case
           when keep_entries is null and keep_bytes is null then 0
           else length(cast(old.payload as blob)) + coalesce(length(cast(old.headers as blob)), 0)
           end
   where id = old.topic_id;
end;

create trigger topic_entry_newest_delete after delete on topic_entry
when old.id > coalesce((select max(id) from topic_entry), 0)
begin
  update topic_entry_floor set entry_id = old.id where entry_id < old.id;
end;

create trigger subscription_insert before insert on subscription
when exists (select 1 from subscription where name = new.name or id = new.id)
  or new.cursor > (select max(entry_id, coalesce((select max(id) from topic_entry), 0)) from topic_entry_floor)
begin
  select case
    when exists (select 1 from subscription where name = new.name or id = new.id)
    then raise(abort, 'ng:subscription.name: a subscription must have an id and a name of its own')
    else raise(abort, 'ng:subscription.cursor: a cursor must not be above the newest entry')
    end;
end;

create trigger subscription_update before update on subscription
when new.id is not old.id
  or new.name is not old.name and exists (select 1 from subscription where name = new.name)
  or new.cursor > old.cursor
     and new.cursor > (select max(entry_id, coalesce((select max(id) from topic_entry), 0)) from topic_entry_floor)
begin
  select case
    when new.id is not old.id
    then raise(abort, 'ng:subscription.id: the id of a subscription can''t be changed')
    when new.name is not old.name and exists (select 1 from subscription where name = new.name)
    then raise(abort, 'ng:subscription.name: a subscription must have an id and a name of its own')
    else raise(abort, 'ng:subscription.cursor: a cursor must not be above the newest entry')
    end;
end;

create trigger subscription_cursor_update after update of cursor on subscription when new.cursor < old.cursor begin
  delete from delivery where entry_id > new.cursor and subscription_id = new.id;
end;

create trigger subscription_delete before delete on subscription begin
  delete from delivery where subscription_id = old.id;
end;

-- Whoever replaces a delivery displaces nothing but that.
create trigger delivery_insert before insert on delivery
when not exists (select 1 from topic_entry where id = new.entry_id)
  or not exists (select 1 from subscription where id = new.subscription_id and cursor >= new.entry_id)
begin
  select case
    when not exists (select 1 from subscription where id = new.subscription_id)
    then raise(abort, 'ng:delivery.subscription_id: subscription_id must be the id of a subscription')
    when not exists (select 1 from topic_entry where id = new.entry_id)
    then raise(abort, 'ng:delivery.entry_id: entry_id must be the id of an entry')
    else raise(abort, 'ng:delivery.entry_id: an entry above the cursor can''t be an exception; move the cursor first')
    end;
end;

create trigger delivery_update before update on delivery
when new.entry_id is not old.entry_id or new.subscription_id is not old.subscription_id
begin
  select raise(abort, 'ng:delivery.entry_id: whose delivery it is, and of what, can''t be changed');
end;

-- Where a shell publishes by the topic's name; as rows, what is there.
create view topic_log as
select e.id, t.name as topic, e.payload, e.headers, e.published_ns
  from topic_entry as e join topic as t on t.id = e.topic_id;

create trigger topic_log_insert instead of insert on topic_log begin
  insert into topic (name) select new.topic where not exists (select 1 from topic where name = new.topic);
  insert into topic_entry (topic_id, payload, headers, published_ns)
  select id, new.payload, new.headers,
         coalesce(new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
    from topic where name = new.topic;
end;
