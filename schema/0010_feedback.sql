-- Feedback: what was said of an answer, what that changed, and the standing that things have from it.
--
-- 1. A standing belongs to a token or an item that exists, on every path: what is gone, or displaced by another row with
--    its id or name, takes its standing with it.
-- 2. Feedback is history. It stays when what it names is gone; a change of it is undone only where the row still is as
--    the change left it.

create table standing (
  kind  text    not null check (kind in ('token', 'item')),
  id    integer not null check (id > 0),
  value real    not null check (value between -1 and 1),
  primary key (kind, id)
) strict, without rowid;

create table feedback (
  id           integer primary key autoincrement check (id > 0),
  kind         text    not null check (kind in ('positive', 'negative', 'correction', 'association')),
  query_text   text    check (instr(query_text, char(0)) = 0),    -- what was asked: a text,
  query_sha256 text    check (length(query_sha256) = 64),         -- a vector, or neither
  entity_kind  text    not null check (entity_kind in ('token', 'item')),
  entity_id    integer not null check (entity_id > 0),             -- the hit it is about
  other_kind   text    check (other_kind in ('token', 'item')),
  other_id     integer check (other_id > 0),                       -- what should have stood there, or is associated
  strength     real    not null check (strength > 0 and strength <= 1),
  created_ns   integer not null default (cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000000),
  undone_ns    integer,                                            -- NULL: it stands
  constraint other check (
    (other_kind is null) = (other_id is null) and (other_id is null) = (kind in ('positive', 'negative')))
) strict;

-- One row for each row that was changed, in order. Floats are written so that reading gives the same bits.
create table feedback_change (
  feedback_id integer not null references feedback (id) on delete cascade,
  step        integer not null check (step > 0),
  subject     text    not null check (subject in ('standing', 'edge', 'connection')),
  place       text    not null check (json_valid(place) and json_type(place) = 'array'),     -- the row's key
  before      text    check (json_valid(before) and json_type(before) = 'object'),           -- NULL: there was none
  after       text    not null check (json_valid(after) and json_type(after) = 'object'),
  primary key (feedback_id, step)
) strict, without rowid;

create trigger feedback_delete after delete on feedback begin
  delete from feedback_change where feedback_id = old.id;
end;

create trigger feedback_insert after insert on feedback
when exists (select 1 from feedback_change where feedback_id = new.id)
begin
  delete from feedback_change where feedback_id = new.id;          -- of a row that was replaced
end;

-- No column list: one would miss `set rowid = …`, another name of the same column.
create trigger feedback_id_update before update on feedback when new.id is not old.id begin
  select raise(abort, 'ng:feedback.id: the id of feedback can''t be changed');
end;

create trigger feedback_change_insert after insert on feedback_change
when not exists (select 1 from feedback where id = new.feedback_id)
begin
  select raise(abort, 'ng:feedback_change.feedback_id: feedback_id must be the id of feedback');
end;

create trigger feedback_change_update before update on feedback_change begin
  select raise(abort, 'ng:feedback_change.after: what feedback changed can''t be rewritten; delete the feedback');
end;

create trigger standing_insert after insert on standing begin
  select raise(abort, 'ng:standing.id: id must be the id of a token or an item, as kind says')
   where not exists (select 1 from token where new.kind = 'token' and id = new.id)
     and not exists (select 1 from item where new.kind = 'item' and id = new.id);
end;

create trigger standing_update after update of kind, id on standing begin
  select raise(abort, 'ng:standing.id: id must be the id of a token or an item, as kind says')
   where not exists (select 1 from token where new.kind = 'token' and id = new.id)
     and not exists (select 1 from item where new.kind = 'item' and id = new.id);
end;

create trigger standing_token_delete after delete on token
when exists (select 1 from standing where kind = 'token' and id = old.id)
begin
  delete from standing where kind = 'token' and id = old.id;
end;

create trigger standing_token_displaced before delete on displaced_token
when (old.replaced or not exists (select 1 from token where id = old.id))
 and exists (select 1 from standing where kind = 'token' and id = old.id)
begin
  delete from standing where kind = 'token' and id = old.id;
end;

-- `insert or replace` by id: the new row is another token.
create trigger standing_token_replaced after insert on token
when exists (select 1 from standing where kind = 'token' and id = new.id)
begin
  delete from standing where kind = 'token' and id = new.id;
end;

create trigger standing_item_delete after delete on item
when exists (select 1 from standing where kind = 'item' and id = old.id)
begin
  delete from standing where kind = 'item' and id = old.id;
end;

create trigger standing_item_displaced before delete on displaced_item
when not exists (select 1 from item where id = old.id)
 and exists (select 1 from standing where kind = 'item' and id = old.id)
begin
  delete from standing where kind = 'item' and id = old.id;
end;

create trigger standing_item_replaced after insert on item
when exists (select 1 from standing where kind = 'item' and id = new.id)
begin
  delete from standing where kind = 'item' and id = new.id;
end;
