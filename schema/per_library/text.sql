-- The text index of one library: made by library.index_text(), with the library's id for {id}; no other comment than this.
--
-- 1. It has one row for each item, of the same id: FTS5 with its own content, for a plain SQLite must find what it takes
--    away. So it says the same as the items on every path, `insert or replace` included.
-- 2. Every trigger clears before it writes, so it may fire twice, or for a row that was displaced before.
-- 3. The table text_index says which libraries have one; what is dropped with it is what it names.

create virtual table text_{id} using fts5(key, text, tokenize = '{tokenizer}');

create trigger text_{id}_insert after insert on item when new.library_id = {id} begin
  delete from text_{id} where rowid = new.id;
  insert into text_{id} (rowid, key, text) values (new.id, new.key, new.text);
end;

create trigger text_{id}_update after update of key, text on item
when new.library_id = {id} and (new.key is not old.key or new.text is not old.text)
begin
  delete from text_{id} where rowid = new.id;
  insert into text_{id} (rowid, key, text) values (new.id, new.key, new.text);
end;

create trigger text_{id}_delete after delete on item when old.library_id = {id} begin
  delete from text_{id} where rowid = old.id;
end;

create trigger text_{id}_displaced before delete on displaced_item
when old.id >> 32 = {id} and not exists (select 1 from item where id = old.id)
begin
  delete from text_{id} where rowid = old.id;
end;
