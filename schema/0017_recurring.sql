-- Recurring messages: what is published in a channel again and again, and when.
--
-- 1. next_ns is when the next message is due. 0: nobody has worked it out yet; so it is after an insert, and after each
--    change of what it follows from. NULL: never. Who claims in the channel works it out, and publishes what is due:
--    SQL can't read a cron expression.
-- 2. Who moves next_ns on publishes the message, in the same transaction: so there is one, however many look.
-- 3. What came due while it was paused is not made up for: with `paused` gone next_ns is worked out anew.
-- 4. A channel that is gone takes what recurs in it along, on every path.

create table recurring (
  name       text    not null primary key check (name <> '' and instr(name, char(0)) = 0),
  channel_id integer not null references channel (id),
  expression text    not null check (
    expression like '%_ _% _% _% _%' and not expression glob '*[^-0-9A-Za-z*,/# ]*'),   -- cron's five or six fields
  time_zone  text    not null default 'UTC' check (time_zone <> '' and instr(time_zone, char(0)) = 0),  -- IANA
  priority   integer check (priority between -1000 and 1000),                         -- NULL: the channel's
  ttl_ms     integer check (ttl_ms between 1 and 3155760000000),                      -- NULL: the channel's
  headers    text    check (
    headers is null or json_valid(headers) and json_type(headers) = 'object' and instr(headers, char(0)) = 0),
  payload    any     not null check (
    typeof(payload) = 'blob' or typeof(payload) = 'text' and json_valid(payload) and instr(payload, char(0)) = 0),
  paused     integer not null default 0 check (paused in (0, 1)),
  next_ns    integer default 0 check (next_ns >= 0),
  last_ns    integer,                                                                 -- what next_ns was the last time
  refused    integer not null default 0 check (refused >= 0),                         -- times the channel had no room
  error      text,                                                                    -- why there is no next_ns
  created_ns integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000)
) strict, without rowid;

create index recurring_due on recurring (channel_id, next_ns) where paused = 0;

create trigger recurring_insert before insert on recurring
when not exists (select 1 from channel where id = new.channel_id)
begin
  select raise(abort, 'ng:recurring.channel_id: channel_id must be the id of a channel');
end;

create trigger recurring_channel_update before update of channel_id on recurring
when not exists (select 1 from channel where id = new.channel_id)
begin
  select raise(abort, 'ng:recurring.channel_id: channel_id must be the id of a channel');
end;

create trigger recurring_plan_update after update of expression, time_zone, paused on recurring
when new.next_ns is old.next_ns
  and (new.expression <> old.expression or new.time_zone <> old.time_zone or new.paused < old.paused)
begin
  update recurring set next_ns = 0, error = null where name = new.name;
end;

create trigger channel_recurring_delete after delete on channel begin
  delete from recurring where channel_id = old.id;
end;
