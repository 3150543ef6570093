-- What may be NULL says so in its CHECK. `json_valid(null)` is 0 in some releases (3.40, in Debian 12) and NULL in
-- newer ones, which a CHECK lets pass: an older shell could not restore its own dump of a file with a subscription.
-- A CHECK can only be changed in its text; foreign keys, triggers and columns of the user's stay as they are.

pragma writable_schema = on;

update sqlite_schema
   set sql = replace(sql, '(json_valid(before) and', '(before is null or json_valid(before) and')
 where type = 'table' and name = 'feedback_change';

update sqlite_schema
   set sql = replace(sql, '(json_valid(condition) and', '(condition is null or json_valid(condition) and')
 where type = 'table' and name = 'subscription';

pragma writable_schema = off;

-- A trigger that is made again lets every other connection read the schema again; ours takes NULL either way.
drop trigger subscription_cursor_update;

create trigger subscription_cursor_update after update of cursor on subscription when new.cursor < old.cursor begin
  delete from delivery where entry_id > new.cursor and subscription_id = new.id;
end;
