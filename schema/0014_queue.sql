-- The queue: channels and their messages.
--
-- 1. A message's id is never used again and tells the order of publishing. A message is claimed in the order (rank,
--    id): rank is its priority or, where its channel ages, priority * ageing_ms in nanoseconds + published_ns, so that
--    the order of "priority less one for each ageing_ms waited" never changes with time and an index holds it.
-- 2. due_ns is when time alone changes the message: delayed: it becomes ready; claimed: others may take it; ready: it
--    expires; done: it is deleted. NULL: never. Whoever claims in a channel does first what is due there. `turn` is what
--    orders the messages of a state: rank where they are ready, else due_ns; so one index serves all.
-- 3. A claimed message, and no other, has a `claim`: a random number that only who claimed it knows.
-- 4. What a message is inserted without, it gets from its channel: priority, rank, times, state. A stock shell inserts
--    channel_id and payload; or, by the channel's name, into the view outbox.
-- 5. A channel with a capacity counts its pending messages (ready, delayed, claimed) in `pending`, and what is full is
--    full on every path. Ready messages alone are evicted. A message that moves to a channel as a dead letter is not
--    refused.
-- 6. A key never changes. It is unique in its channel while its message is pending and no dead letter, and until
--    until_ns. A second message with it is passed over without an error, whether it is new or comes back.
-- 7. A channel that is gone takes its messages with it, and a message its failures, on every path: foreign keys on or
--    off. Neither is ever displaced by another of its id or name.
-- 8. Each page a publish or claim touches is written to the log: so there is one index for what neither expires nor is
--    a dead letter; ids are drawn from the newest and message_floor, and sqlite_sequence is raised ahead of them.
-- 9. No IN list of three or more in what runs for each message: SQLite makes a temporary table of it, 100 µs each time.

create table channel (
  id              integer primary key autoincrement check (id > 0),
  name            text    not null unique check (name <> '' and instr(name, char(0)) = 0),
  capacity        integer check (capacity > 0),                                  -- pending messages; NULL: no limit
  when_full       text    not null default 'reject' check (
    when_full in ('reject', 'evict_lowest', 'evict_oldest', 'block')),
  block_ms        integer not null default 1000 check (block_ms between 0 and 86400000),
  priority        integer not null default 50 check (priority between -1000 and 1000),
  ttl_ms          integer check (ttl_ms between 1 and 3155760000000),            -- NULL: messages don't expire
  lease_ms        integer not null default 30000 check (lease_ms between 1 and 3155760000000),
  attempts        integer not null default 5 check (attempts > 0),
  backoff         text    not null default 'exponential' check (backoff in ('fixed', 'exponential')),
  backoff_ms      integer not null default 1000 check (backoff_ms between 0 and 3155760000000),
  backoff_most_ms integer not null default 300000 check (backoff_most_ms between 0 and 3155760000000),
  jitter          real    not null default 0.1 check (jitter between 0 and 1),   -- share of a back-off that is random
  dead_letter     text    check (dead_letter <> '' and instr(dead_letter, char(0)) = 0),  -- a channel; NULL: they stay
  rate_per_s      real    check (rate_per_s > 0 and rate_per_s <= 1e9),          -- NULL: no limit
  burst           integer check (burst between 1 and 1000000000),                -- NULL: what comes in two seconds
  dedup_ms        integer not null default 0 check (dedup_ms between 0 and 3155760000000),
  ageing_ms       integer check (ageing_ms between 1 and 2592000000),            -- NULL: messages don't age
  keep_ms         integer not null default 0 check (keep_ms between 0 and 3155760000000),  -- of what is done
  paused          integer not null default 0 check (paused in (0, 1)),
  pending         integer not null default 0,                                    -- counted where there is a capacity
  bucket          real,                                                          -- messages that may come at bucket_ns
  bucket_ns       integer,
  evicted         integer not null default 0,                                    -- how many were dropped as it was full
  expired         integer not null default 0,
  created_ns      integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  constraint dead_letter check (dead_letter <> name),
  constraint oldest check (when_full <> 'evict_oldest' or ageing_ms is null)
) strict;

create table message (
  id           integer primary key autoincrement check (id > 0),
  channel_id   integer not null references channel (id),
  state        text    not null default 'ready' check (
    state = 'ready' or state = 'delayed' or state = 'claimed' or state = 'done' or state = 'dead'),
  priority     integer check (priority between -1000 and 1000),
  rank         integer,
  due_ns       integer,
  expires_ns   integer,
  published_ns integer,
  attempts     integer not null default 0 check (attempts >= 0),                 -- claims that count, this one included
  claim        integer,
  origin       integer,                                                          -- of a dead letter: the id of its channel
  key          text    check (key <> '' and instr(key, char(0)) = 0),
  headers      text    check (
    headers is null or json_valid(headers) and json_type(headers) = 'object' and instr(headers, char(0)) = 0),
  payload      any     not null check (
    typeof(payload) = 'blob' or typeof(payload) = 'text' and json_valid(payload) and instr(payload, char(0)) = 0),
  result       any,
  turn         integer generated always as (case state when 'ready' then rank else due_ns end) virtual,
  constraint claim check ((claim is null) = (state <> 'claimed')),
  constraint due check (due_ns is not null or state = 'ready' or state = 'dead'),
  constraint result check (
    result is null or typeof(result) = 'blob' or typeof(result) = 'text' and json_valid(result))
) strict;

create index message_turn on message (channel_id, state, turn);
create index message_expiry on message (channel_id, due_ns) where state = 'ready' and due_ns is not null;
create index message_dead on message (channel_id) where state = 'dead' or origin is not null;

-- The newest message that was deleted when no other was newer: ids go on above it. A message inserted without an id
-- takes the next of sqlite_sequence, which is never below; one with an id writes to it only where its id is above that.
create table message_floor (
  one        integer primary key check (one = 1),
  message_id integer not null
) strict;

insert into message_floor values (1, 0);

create table message_key (
  channel_id integer not null references channel (id) on delete cascade,
  key        text    not null,
  message_id integer not null,                                                   -- it may be gone
  until_ns   integer not null,
  pending    integer not null default 1 check (pending in (0, 1)),
  primary key (channel_id, key)
) strict, without rowid;

create index message_key_until on message_key (channel_id, until_ns) where pending = 0;

create table failure (
  id         integer primary key autoincrement check (id > 0),
  message_id integer not null references message (id) on delete cascade,
  attempt    integer not null check (attempt > 0),
  error      text    not null,
  trace      text,
  failed_ns  integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
) strict;

create index failure_message on failure (message_id);

-- Abort, where `insert or replace` would displace a channel with all its messages.
create trigger channel_insert before insert on channel
when exists (select 1 from channel where name = new.name or id = new.id)
begin
  select raise(abort, 'ng:channel.name: a channel must have an id and a name of its own');
end;

create trigger channel_update before update on channel
when new.id is not old.id or new.name is not old.name and exists (select 1 from channel where name = new.name)
begin
  select case
    when new.id is not old.id then raise(abort, 'ng:channel.id: the id of a channel can''t be changed')
    else raise(abort, 'ng:channel.name: a channel must have an id and a name of its own')
    end;
end;

create trigger channel_dead_letter_insert after insert on channel
when new.dead_letter is not null and not exists (select 1 from channel where name = new.dead_letter)
begin
  insert into channel (name) values (new.dead_letter);
end;

create trigger channel_dead_letter_update after update of dead_letter on channel
when new.dead_letter is not null and not exists (select 1 from channel where name = new.dead_letter)
begin
  insert into channel (name) values (new.dead_letter);
end;

create trigger channel_name_update after update of name on channel when new.name <> old.name begin
  update channel set dead_letter = new.name where dead_letter = old.name;
end;

create trigger channel_capacity_insert after insert on channel when new.pending <> 0 begin
  update channel set pending = 0 where id = new.id;
end;

create trigger channel_capacity_update after update of capacity on channel
when new.capacity is not null and old.capacity is null
begin
  update channel set pending =
    (select count(*) from message where channel_id = new.id and state <> 'done' and state <> 'dead')
   where id = new.id;
end;

create trigger channel_ageing_update after update of ageing_ms on channel when new.ageing_ms is not old.ageing_ms begin
  update message set rank = case
      when new.ageing_ms is null then priority
      else priority * new.ageing_ms * 1000000 + published_ns
    end
   where channel_id = new.id;
end;

create trigger channel_delete after delete on channel begin
  delete from message where channel_id = old.id;
  delete from message_key where channel_id = old.id;
  update channel set dead_letter = null where dead_letter = old.name;
end;

-- One trigger, as SQLite promises no order of several: what can't be, what is there already, what comes too fast, what
-- finds no room. A message that is passed over is none: raise(ignore) keeps what this trigger wrote so far.
create trigger message_insert_before before insert on message
when coalesce((select capacity is not null or rate_per_s is not null from channel where id = new.channel_id), 1)
  or new.key is not null or new.id <= (select max(id) from message)
begin
  select case
    when not exists (select 1 from channel where id = new.channel_id)
    then raise(abort, 'ng:message.channel_id: channel_id must be the id of a channel')
    when exists (select 1 from message where id = new.id)
    then raise(abort, 'ng:message.id: a message must have an id of its own')
    when exists (
      select 1 from message_key
       where channel_id = new.channel_id and key = new.key
         and (pending or until_ns >
           coalesce(new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)))
    then raise(ignore)
    end;

  update channel
     set bucket = min(
           coalesce(burst, max(1, 2 * rate_per_s)),
           coalesce(bucket, coalesce(burst, max(1, 2 * rate_per_s))) + rate_per_s / 1e9 * max(0,
             coalesce(new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
             - coalesce(bucket_ns, 9223372036854775807))) - 1,
         bucket_ns = coalesce(new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
   where id = new.channel_id and rate_per_s is not null;
  select raise(abort, 'ng:message.rate_per_s: messages must not come faster than the channel''s rate_per_s allows')
    from channel where id = new.channel_id and rate_per_s is not null and bucket < -1e-6;

  -- What is expired makes room before anything else does; it is counted by what is pending before and after.
  update channel set expired = expired + pending where id = new.channel_id and capacity is not null;
  delete from message
   where channel_id = new.channel_id and state = 'ready'
     and due_ns <= coalesce(new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
     and (select pending >= capacity from channel where id = new.channel_id);
  delete from message
   where channel_id = new.channel_id and state = 'delayed'
     and turn <= coalesce(new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
     and expires_ns <= coalesce(new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
     and (select pending >= capacity from channel where id = new.channel_id);
  update channel set expired = expired - pending where id = new.channel_id and capacity is not null;

  select raise(abort, 'ng:message.capacity: a channel must have room for a message')
    from channel where id = new.channel_id and pending >= capacity and when_full in ('reject', 'block');

  -- From here on the channel evicts. The new message is the last of its rank, so an equal rank is no reason.
  update channel
     set evicted = -1 - evicted - pending                       -- below zero until the end of it
   where id = new.channel_id and pending >= capacity;
  delete from message
   where id in (
       select m.id from message as m
        where m.channel_id = new.channel_id and m.state = 'ready'
          and m.turn > (
            select coalesce(new.rank, coalesce(new.priority, c.priority) * coalesce(c.ageing_ms * 1000000, 1) + case
                when c.ageing_ms is null then 0
                else coalesce(
                  new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
                end)
              from channel as c where c.id = new.channel_id)
        order by m.turn desc, m.id desc
        limit (select coalesce(max(0, pending - capacity + 1), 0) from channel where id = new.channel_id))
     and (select pending >= capacity and when_full = 'evict_lowest' from channel where id = new.channel_id);
  -- The oldest of each rank, and of these the oldest: an index of the ready by id would cost each publish a page.
  delete from message
   where id in (
       with recursive step(rank) as (
         select min(turn) from message where channel_id = new.channel_id and state = 'ready'
         union all
         select (select min(m.turn) from message as m
                  where m.channel_id = new.channel_id and m.state = 'ready' and m.turn > step.rank)
           from step where step.rank is not null)
       select m.id from step join message as m on m.id in (
           select o.id from message as o
            where o.channel_id = new.channel_id and o.state = 'ready' and o.turn = step.rank
            order by o.id
            limit (select coalesce(max(0, pending - capacity + 1), 0) from channel where id = new.channel_id))
        order by m.id
        limit (select coalesce(max(0, pending - capacity + 1), 0) from channel where id = new.channel_id))
     and (select pending >= capacity and when_full = 'evict_oldest' from channel where id = new.channel_id);
  update channel
     set evicted = -1 - evicted - pending + (pending >= capacity)
   where id = new.channel_id and evicted < 0;
  select raise(ignore) from channel where id = new.channel_id and pending >= capacity;
end;

create trigger message_insert_after after insert on message
when new.rank is null or new.published_ns is null or new.priority is null or new.key is not null
  or (select capacity is not null
          or new.rank <> new.priority * coalesce(ageing_ms * 1000000, 1)
             + case when ageing_ms is null then 0 else new.published_ns end
        from channel where id = new.channel_id)
begin
  update channel set pending = pending + 1
   where id = new.channel_id and capacity is not null and new.state <> 'done' and new.state <> 'dead';
  update message
     set priority = coalesce(new.priority, (select priority from channel where id = new.channel_id)),
         published_ns = coalesce(
           new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
         expires_ns = coalesce(
           new.expires_ns,
           coalesce(new.published_ns, cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
           + (select ttl_ms * 1000000 from channel where id = new.channel_id))
   where id = new.id and (new.rank is null or new.published_ns is null or new.priority is null);
  update message
     set rank = (
           select coalesce(new.priority, c.priority) * coalesce(c.ageing_ms * 1000000, 1)
             + case when c.ageing_ms is null then 0 else message.published_ns end
             from channel as c where c.id = new.channel_id),
         state = case
           when new.state = 'ready' and new.due_ns > message.published_ns then 'delayed'
           else new.state
           end,
         due_ns = case
           when new.state <> 'ready' then new.due_ns
           when new.due_ns > message.published_ns then min(new.due_ns, coalesce(message.expires_ns, new.due_ns))
           else message.expires_ns
           end
   where id = new.id and (new.rank is null or new.published_ns is null or new.priority is null);
  update message set rank = rank where id = new.id and new.rank is not null;     -- message_rank_update puts it right
  delete from message_key                                        -- bit by bit
   where new.key is not null and channel_id = new.channel_id and key in (
       select key from message_key
        where channel_id = new.channel_id and pending = 0
          and until_ns <= (select published_ns from message where id = new.id) order by until_ns limit 8);
  insert into message_key (channel_id, key, message_id, until_ns, pending)
  select c.id, new.key, m.id, m.published_ns + c.dedup_ms * 1000000, new.state <> 'done' and new.state <> 'dead'
    from message as m, channel as c
   where new.key is not null and m.id = new.id and c.id = new.channel_id
  on conflict (channel_id, key)
  do update set message_id = excluded.message_id, until_ns = excluded.until_ns, pending = excluded.pending;
end;

-- No column list: one would miss `set rowid = …`, another name of the same column.
create trigger message_update_before before update on message
when new.id is not old.id or new.key is not old.key
  or new.channel_id is not old.channel_id and not exists (select 1 from channel where id = new.channel_id)
  or new.key is not null and new.origin is null and new.state <> 'done' and new.state <> 'dead'
    and exists (select 1 from message_key
                 where channel_id = new.channel_id and key = new.key and pending and message_id <> new.id)
begin
  select case
    when new.id is not old.id then raise(abort, 'ng:message.id: the id of a message can''t be changed')
    when new.key is not old.key then raise(abort, 'ng:message.key: the key of a message can''t be changed')
    when not exists (select 1 from channel where id = new.channel_id)
    then raise(abort, 'ng:message.channel_id: channel_id must be the id of a channel')
    else raise(ignore)
    end;
end;

create trigger message_state_update after update of state, channel_id, origin on message
when new.channel_id <> old.channel_id or new.origin is not old.origin
  or (new.state = 'done' or new.state = 'dead') <> (old.state = 'done' or old.state = 'dead')
begin
  update channel set pending = pending - 1
   where id = old.channel_id and capacity is not null and old.state <> 'done' and old.state <> 'dead';
  update channel set pending = pending + 1
   where id = new.channel_id and capacity is not null and new.state <> 'done' and new.state <> 'dead';
  update message_key set pending = 0
   where channel_id = old.channel_id and key = old.key and message_id = old.id;
  insert into message_key (channel_id, key, message_id, until_ns)
  select id, new.key, new.id, new.published_ns + dedup_ms * 1000000
    from channel
   where id = new.channel_id
     and new.key is not null and new.origin is null and new.state <> 'done' and new.state <> 'dead'
  on conflict (channel_id, key)
  do update set message_id = excluded.message_id, until_ns = max(until_ns, excluded.until_ns), pending = 1;
end;

create trigger message_rank_update after update of rank, priority, channel_id, published_ns on message
when new.rank is not (
  select new.priority * coalesce(ageing_ms * 1000000, 1) + case when ageing_ms is null then 0 else new.published_ns end
    from channel where id = new.channel_id)
begin
  update message
     set rank = (
       select new.priority * coalesce(ageing_ms * 1000000, 1)
         + case when ageing_ms is null then 0 else new.published_ns end
         from channel where id = new.channel_id)
   where id = new.id;
end;

create trigger message_delete after delete on message
when old.key is not null
  or (select capacity is not null from channel where id = old.channel_id)
  or exists (select 1 from failure where message_id = old.id)
begin
  update channel set pending = pending - 1
   where id = old.channel_id and capacity is not null and old.state <> 'done' and old.state <> 'dead';
  update message_key set pending = 0
   where channel_id = old.channel_id and key = old.key and message_id = old.id;
  delete from failure where message_id = old.id;
end;

create trigger message_newest_delete after delete on message
when old.id > coalesce((select max(id) from message), 0)
begin
  update message_floor set message_id = old.id where message_id < old.id;
end;

create trigger failure_insert after insert on failure
when not exists (select 1 from message where id = new.message_id)
begin
  select raise(abort, 'ng:failure.message_id: message_id must be the id of a message');
end;

-- Where a shell publishes by the channel's name; as rows, what is pending.
create view outbox as
select m.id, c.name as channel, m.state, m.priority, m.payload, m.headers, m.key, m.due_ns, m.expires_ns, m.attempts,
       m.published_ns
  from message as m join channel as c on c.id = m.channel_id
 where m.state <> 'done' and m.state <> 'dead';

create trigger outbox_insert instead of insert on outbox begin
  insert into channel (name) select new.channel where not exists (select 1 from channel where name = new.channel);
  insert into message (channel_id, payload, priority, headers, key, due_ns, expires_ns)
  select id, new.payload, new.priority, new.headers, new.key, new.due_ns, new.expires_ns
    from channel where name = new.channel;
end;
