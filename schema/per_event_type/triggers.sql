-- The triggers of the event types that are switched: those of a type are made by db.events.enable(), and dropped by
-- disable(), so that a type that is off costs nothing; no other comment than this.
--
-- 1. A trigger is named after its type: event_token_deleted, and event_token_deleted_displaced, for token.deleted.
-- 2. Each looks at `enabled` of its type, so that plain SQL can switch it as well, and a bulk call write one event.
-- 3. A row that others displace by its label fires no delete trigger unless recursive triggers are on; its note tells.
-- 4. An ack deletes a claimed message unless its channel keeps what is done; a channel that is gone takes its messages.

create trigger event_token_created after insert on token when (select enabled from event_type where id = 256) begin
  insert into event (type_id, data)
  values (256, json_object('id', new.id));
end;

create trigger event_token_deleted after delete on token
when (select enabled from event_type where id = 257)
begin
  insert into event (type_id, data)
  select 257, json_object('id', old.id, 'label', old.label)
   where not exists (select 1 from displaced_token where id = old.id);
  delete from displaced_token where id = old.id;
end;

create trigger event_token_deleted_displaced before delete on displaced_token
when not exists (select 1 from token where id = old.id) and (select enabled from event_type where id = 257)
begin
  insert into event (type_id, data) values (257, json_object('id', old.id, 'label', null));
end;

create trigger event_token_updated after update of
  label, entity_type, domain, flags, weight, field_radius, field_strength,
  physical_x, physical_y, physical_z, sensory_x, sensory_y, sensory_z, motor_x, motor_y, motor_z,
  emotional_x, emotional_y, emotional_z, cognitive_x, cognitive_y, cognitive_z, social_x, social_y,
  social_z, temporal_x, temporal_y, temporal_z, abstract_x, abstract_y, abstract_z, properties
on token
when (select enabled from event_type where id = 259)
begin
  insert into event (type_id, data)
  values (259, json_object('id', new.id));
end;

create trigger event_connection_created after insert on connection
when (select enabled from event_type where id = 272)
begin
  insert into event (type_id, data)
  values (272, json_object('id', new.id, 'source', new.source, 'type', new.type, 'target', new.target, 'key', new.key));
end;

create trigger event_connection_deleted after delete on connection
when (select enabled from event_type where id = 273)
begin
  insert into event (type_id, data)
  values (273, json_object('id', old.id, 'source', old.source, 'type', old.type, 'target', old.target, 'key', old.key));
end;

create trigger event_connection_activated after update of activation_count on connection
when new.activation_count > old.activation_count and (select enabled from event_type where id = 274)
begin
  insert into event (type_id, data)
  values (274, json_object('id', new.id, 'count', new.activation_count));
end;

create trigger event_connection_updated after update of
  source, type, target, key, pull, preferred_distance, active_levels, mutability,
  confidence, evidence_count, learning_rate, decay_rate, origin, aim_physical, aim_sensory, aim_motor, aim_emotional,
  aim_cognitive, aim_social, aim_temporal, aim_abstract
on connection
when old.mutability <> -1 and (select enabled from event_type where id = 275)
begin
  insert into event (type_id, data)
  values (275, json_object('id', new.id));
end;

create trigger event_queue_published after insert on message when (select enabled from event_type where id = 1280) begin
  insert into event (type_id, data)
  values (1280, json_object('id', new.id, 'channel', (select name from channel where id = new.channel_id)));
end;

create trigger event_queue_claimed after update of state on message
when new.state = 'claimed' and (select enabled from event_type where id = 1281)
begin
  insert into event (type_id, data)
  values (1281, json_object(
    'id', new.id, 'channel', (select name from channel where id = new.channel_id), 'attempt', new.attempts));
end;

create trigger event_queue_done_kept after update of state on message
when new.state = 'done' and old.state <> 'done' and (select enabled from event_type where id = 1282)
begin
  insert into event (type_id, data)
  values (1282, json_object('id', new.id, 'channel', (select name from channel where id = new.channel_id)));
end;

create trigger event_queue_done after delete on message
when old.state = 'claimed' and (select enabled from event_type where id = 1282)
begin
  insert into event (type_id, data)
  select 1282, json_object('id', old.id, 'channel', name) from channel where id = old.channel_id;
end;

create trigger event_queue_dropped after delete on message
when old.state <> 'done' and (select enabled from event_type where id = 1285)
begin
  insert into event (type_id, data)
  select 1285, json_object(
           'id', old.id, 'channel', (select name from channel where id = old.channel_id), 'state', old.state)
   where old.state <> 'claimed' or not exists (select 1 from channel where id = old.channel_id);
end;

create trigger event_queue_failed after insert on failure when (select enabled from event_type where id = 1283) begin
  insert into event (type_id, data)
  values (1283, json_object(
    'id', new.message_id, 'channel', (select c.name from message as m join channel as c on c.id = m.channel_id
                                       where m.id = new.message_id),
    'attempt', new.attempt, 'error', new.error));
end;

create trigger event_queue_dead after update of state, origin on message
when (new.state = 'dead' and old.state <> 'dead' or new.origin is not null and old.origin is null)
 and (select enabled from event_type where id = 1284)
begin
  insert into event (type_id, data)
  values (1284, json_object(
    'id', new.id, 'channel', (select name from channel where id = coalesce(new.origin, new.channel_id))));
end;

create trigger event_experience_recorded after insert on experience
when (select enabled from event_type where id = 1792)
begin
  insert into event (type_id, data)
  values (1792, json_object('id', new.id, 'episode', new.episode, 'step', new.step));
end;

create trigger event_experience_appraised after update of flags on experience
when (new.flags & 16) and not (old.flags & 16) and (select enabled from event_type where id = 1793)
begin
  insert into event (type_id, data)
  values (1793, json_object('id', new.id, 'episode', new.episode, 'reward', new.reward));
end;
