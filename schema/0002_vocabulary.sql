-- The vocabularies: what a token may be, which domain it belongs to, what a connection may mean.
--
-- 1. Codes below 256 are reserved. Ours are here; the others below 256 stay empty for good.
-- 2. A reserved row is never changed, displaced or removed, on any path: `insert or replace` fires no delete trigger,
--    so the triggers before an insert and an update refuse a row that would take a reserved code or name.
-- 3. Users' own rows have codes from 256 to 65535, always given: an automatic one would begin at 16 or 176.
-- 4. `allowed` is the switch of users' own types; the constitution's text switches the connection types below 256.

create table entity_type (
  code    integer primary key check (code between 0 and 65535),
  name    text    not null unique check (name <> ''),
  allowed integer not null default 1 check (allowed in (0, 1))
) strict;

create table domain (
  code integer primary key check (code between 0 and 65535),
  name text    not null unique check (name <> '')
) strict;

create table connection_type (
  code       integer primary key check (code between 0 and 65535),
  name       text    not null unique check (name <> ''),
  family     text    not null default 'user',
  mutability integer not null default 1 check (mutability in (0, 1, 2)),   -- immutable, learnable, hypothesis
  allowed    integer not null default 1 check (allowed in (0, 1)),
  constraint family_of_users check ((family = 'user') = (code >= 256))
) strict;

insert into entity_type (code, name) values
  (0, 'undefined'), (1, 'object'), (2, 'event'), (3, 'state'),
  (4, 'process'), (5, 'concept'), (6, 'relation'), (7, 'pattern'),
  (8, 'rule'), (9, 'goal'), (10, 'memory'), (11, 'sensor'),
  (12, 'actuator'), (13, 'controller'), (14, 'buffer'), (15, 'reserved');

insert into domain (code, name) values
  (0, 'general'), (1, 'domain_1'), (2, 'domain_2'), (3, 'domain_3'),
  (4, 'domain_4'), (5, 'domain_5'), (6, 'domain_6'), (7, 'domain_7'),
  (8, 'domain_8'), (9, 'domain_9'), (10, 'domain_10'), (11, 'domain_11'),
  (12, 'domain_12'), (13, 'domain_13'), (14, 'domain_14'), (15, 'domain_15');

insert into connection_type (code, name, family, mutability)
with family (base, name, mutability) as (values
  (0x00, 'semantic', 0), (0x10, 'causal', 1), (0x20, 'temporal', 1),
  (0x30, 'spatial', 0), (0x40, 'logical', 0), (0x50, 'associative', 1),
  (0x60, 'structural', 0), (0x70, 'functional', 1), (0x80, 'emotional', 1),
  (0x90, 'rule_metaphor', 0), (0xa0, 'dynamic', 1)
), member (code, name) as (values
  (0x00, 'synonym'), (0x01, 'antonym'), (0x02, 'hypernym'), (0x03, 'hyponym'),
  (0x04, 'meronym'), (0x05, 'holonym'), (0x06, 'troponym'), (0x07, 'entailment'),
  (0x08, 'similar'), (0x09, 'also'), (0x0a, 'attribute'), (0x0b, 'derivation'),
  (0x0c, 'domain'), (0x0d, 'topic'), (0x0e, 'usage'), (0x0f, 'region'),
  (0x10, 'cause'), (0x11, 'effect'), (0x12, 'precondition'), (0x13, 'postcondition'),
  (0x14, 'enabled_by'), (0x15, 'disabled_by'), (0x16, 'prevented_by'), (0x17, 'triggered'),
  (0x18, 'influences'), (0x19, 'correlates'), (0x1a, 'depends'), (0x1b, 'produces'),
  (0x1c, 'consumes'), (0x1d, 'modifies'), (0x1e, 'maintains'), (0x1f, 'destroys'),
  (0x20, 'before'), (0x21, 'after'), (0x22, 'during'), (0x23, 'overlaps'),
  (0x24, 'starts'), (0x25, 'finishes'), (0x26, 'meets'), (0x27, 'equals'),
  (0x28, 'simultaneous'), (0x29, 'sequential'), (0x2a, 'parallel'), (0x2b, 'periodic'),
  (0x2c, 'continuous'), (0x2d, 'discrete'), (0x2e, 'instant'), (0x2f, 'extended'),
  (0x30, 'near'), (0x31, 'far'), (0x32, 'above'), (0x33, 'below'),
  (0x34, 'left'), (0x35, 'right'), (0x36, 'inside'), (0x37, 'outside'),
  (0x38, 'adjacent'), (0x39, 'overlapping'), (0x3a, 'touching'), (0x3b, 'containing'),
  (0x3c, 'crossing'), (0x3d, 'behind'), (0x3e, 'front'), (0x3f, 'between'),
  (0x40, 'and'), (0x41, 'or'), (0x42, 'not'), (0x43, 'xor'),
  (0x44, 'implies'), (0x45, 'equivalent'), (0x46, 'contradicts'), (0x47, 'consistent'),
  (0x48, 'proves'), (0x49, 'disproves'), (0x4a, 'assumes'), (0x4b, 'concludes'),
  (0x4c, 'necessary'), (0x4d, 'sufficient'), (0x4e, 'possible'), (0x4f, 'impossible'),
  (0x50, 'associated_with'), (0x51, 'related_to'), (0x52, 'similar_to'), (0x53, 'contrasted_with'),
  (0x54, 'compared_to'), (0x55, 'distinguished_from'), (0x56, 'alternative_to'), (0x57, 'substitute_for'),
  (0x58, 'complement_of'), (0x59, 'variant_of'), (0x5a, 'version_of'), (0x5b, 'example_of'),
  (0x5c, 'instance_of'), (0x5d, 'kind_of'), (0x5e, 'form_of'), (0x5f, 'manifestation_of'),
  (0x60, 'part_of'), (0x61, 'has_part'), (0x62, 'member_of'), (0x63, 'has_member'),
  (0x64, 'subclass_of'), (0x65, 'superclass_of'), (0x66, 'contains'), (0x67, 'contained_by'),
  (0x68, 'comprises'), (0x69, 'composed_of'), (0x6a, 'element_of'), (0x6b, 'has_element'),
  (0x6c, 'collection_of'), (0x6d, 'item_in'), (0x6e, 'segment_of'), (0x6f, 'whole'),
  (0x70, 'used_for'), (0x71, 'used_by'), (0x72, 'tool_for'), (0x73, 'method_for'),
  (0x74, 'input_to'), (0x75, 'output_from'), (0x76, 'resource_for'), (0x77, 'required_by'),
  (0x78, 'provided_by'), (0x79, 'capable_of'), (0x7a, 'supports_function'), (0x7b, 'implements_function'),
  (0x7c, 'interface_for'), (0x7d, 'protocol_for'), (0x7e, 'standard_for'), (0x7f, 'optimized_for'),
  (0x80, 'likes'), (0x81, 'dislikes'), (0x82, 'loves'), (0x83, 'hates'),
  (0x84, 'fears'), (0x85, 'trusts'), (0x86, 'distrusts'), (0x87, 'respects'),
  (0x88, 'admires'), (0x89, 'envies'), (0x8a, 'sympathizes'), (0x8b, 'empathizes'),
  (0x8c, 'resents'), (0x8d, 'forgives'), (0x8e, 'blames'), (0x8f, 'grateful'),
  (0x90, 'rule'), (0x91, 'exception'), (0x92, 'constraint'), (0x93, 'permission'),
  (0x94, 'prohibition'), (0x95, 'obligation'), (0x96, 'metaphor'), (0x97, 'analogy'),
  (0x98, 'symbol'), (0x99, 'represents'), (0x9a, 'signifies'), (0x9b, 'indicates'),
  (0x9c, 'suggests'), (0x9d, 'connotes'), (0x9e, 'denotes'), (0x9f, 'references'),
  (0xa0, 'becomes'), (0xa1, 'transforms'), (0xa2, 'evolves'), (0xa3, 'develops'),
  (0xa4, 'grows'), (0xa5, 'decays'), (0xa6, 'improves'), (0xa7, 'degrades'),
  (0xa8, 'strengthens'), (0xa9, 'weakens'), (0xaa, 'accelerates'), (0xab, 'decelerates'),
  (0xac, 'stabilizes'), (0xad, 'destabilizes'), (0xae, 'cycles'), (0xaf, 'alternates')
)
select member.code, member.name, family.name, family.mutability
  from member
  join family on family.base = member.code & 0xf0;

-- Before an insert, the code of a row that gives none is -1. The counts after it hold whatever an older or newer
-- SQLite makes of that, and cost nothing: a vocabulary is small and rarely written.

create trigger entity_type_insert before insert on entity_type
when coalesce(new.code, -1) < 256 or exists (select 1 from entity_type where name = new.name and code < 256)
begin
  select raise(abort, 'ng:vocabulary.reserved: codes below 256 and their names are reserved; give a code from 256 up');
end;

create trigger entity_type_inserted after insert on entity_type
when new.code < 256 or (select count(*) from entity_type where code < 256) <> 16
begin
  select raise(abort, 'ng:vocabulary.reserved: codes below 256 and their names are reserved; give a code from 256 up');
end;

create trigger entity_type_update before update on entity_type
when old.code < 256 or new.code < 256
  or exists (select 1 from entity_type where name = new.name and code < 256)
begin
  select raise(abort, 'ng:vocabulary.reserved: rows with codes below 256, and their names, can''t be changed or taken');
end;

create trigger entity_type_delete before delete on entity_type when old.code < 256 begin
  select raise(abort, 'ng:vocabulary.reserved: rows with codes below 256 can''t be deleted');
end;

create trigger domain_insert before insert on domain
when coalesce(new.code, -1) < 256 or exists (select 1 from domain where name = new.name and code < 256)
begin
  select raise(abort, 'ng:vocabulary.reserved: codes below 256 and their names are reserved; give a code from 256 up');
end;

create trigger domain_inserted after insert on domain
when new.code < 256 or (select count(*) from domain where code < 256) <> 16
begin
  select raise(abort, 'ng:vocabulary.reserved: codes below 256 and their names are reserved; give a code from 256 up');
end;

create trigger domain_update before update on domain
when old.code < 256 or new.code < 256
  or exists (select 1 from domain where name = new.name and code < 256)
begin
  select raise(abort, 'ng:vocabulary.reserved: rows with codes below 256, and their names, can''t be changed or taken');
end;

create trigger domain_delete before delete on domain when old.code < 256 begin
  select raise(abort, 'ng:vocabulary.reserved: rows with codes below 256 can''t be deleted');
end;

create trigger connection_type_insert before insert on connection_type
when coalesce(new.code, -1) < 256 or exists (select 1 from connection_type where name = new.name and code < 256)
begin
  select raise(abort, 'ng:vocabulary.reserved: codes below 256 and their names are reserved; give a code from 256 up');
end;

create trigger connection_type_inserted after insert on connection_type
when new.code < 256 or (select count(*) from connection_type where code < 256) <> 176
begin
  select raise(abort, 'ng:vocabulary.reserved: codes below 256 and their names are reserved; give a code from 256 up');
end;

create trigger connection_type_update before update on connection_type
when old.code < 256 or new.code < 256
  or exists (select 1 from connection_type where name = new.name and code < 256)
begin
  select raise(abort, 'ng:vocabulary.reserved: rows with codes below 256, and their names, can''t be changed or taken');
end;

create trigger connection_type_delete before delete on connection_type when old.code < 256 begin
  select raise(abort, 'ng:vocabulary.reserved: rows with codes below 256 can''t be deleted');
end;
