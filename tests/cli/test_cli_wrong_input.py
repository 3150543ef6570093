"""Wrong input to every command: one line that says what must be, the right exit code, and nothing changed."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command_line import commands, companions, refusal, run

import neurograph
from neurograph.cli.remedies import REMEDIES

# command: (arguments after it, exit code, what the line says); {} stands for the file.
WRONG: dict[str, list[tuple[list[str], int, str]]] = {
    "demo": [
        (["{}"], 1, "PATH must be a new file or a demo, got"),
        (["{}", "--fresh"], 1, "PATH must be a new file or a demo, got"),
        (["--question", "who"], 2, "'who' is not one of 'most-called'"),
        (["nowhere/demo.ngdb"], 1, "no folder"),
        (["folder"], 2, "is a directory"),
        (["text.csv"], 1, "is not a SQLite database"),
    ],
    "info": [
        ([], 2, "missing argument 'FILE'"),
        (["other.ngdb"], 1, "no file at 'other.ngdb'"),
        (["folder"], 2, "is a directory"),
        (["text.csv"], 1, "is not a SQLite database"),
        (["{}", "--jsn"], 2, "no such option"),
    ],
    "sql": [
        (["other.ngdb", "select 1"], 1, "no file at"),
        (["{}", "select 1", "--json", "--csv"], 2, "--json and --csv exclude each other"),
        (["{}", "--json"], 2, "--json and --csv need a query"),
        (["{}", "select"], 1, "incomplete input"),
        (["{}", "commit"], 1, "commit must not be given as SQL"),
    ],
    "links": [
        (["{}"], 2, "missing argument 'TOKEN'"),
        (["{}", "unicorn"], 1, "no token has the label 'unicorn'"),
        (["{}", "99"], 1, "99"),
        (["{}", "cat", "--type", "hates_it"], 1, "hates_it"),
        (["{}", "cat", "--direction", "up"], 2, "'up' is not one of 'out', 'in', 'both'"),
        (["{}", "cat", "--limit", "-1"], 2, "-1"),
    ],
    "bfs": [
        (["{}", "0"], 1, "0"),
        (["{}", "cat", "--depth", "deep"], 2, "'deep' is not a valid integer range"),
        (["{}", "cat", "--depth", "-1"], 2, "-1"),
        (["{}", "99999999999999999999999"], 1, "99999999999999999999999"),
    ],
    "path": [
        (["{}", "cat"], 2, "missing argument 'TARGET'"),
        (["{}", "cat", "unicorn"], 1, "unicorn"),
        (["{}", "cat", "vet", "--cost", "money"], 2, "'money' is not one of"),
        (["{}", "cat", "vet", "--cutoff", "-2"], 1, "cutoff"),
    ],
    "spread": [
        (["{}", "unicorn"], 1, "unicorn"),
        (["{}", "cat", "--energy", "0"], 1, "energy must be above 0, got 0.0"),
        (["{}", "cat", "--energy", "nan"], 1, "energy"),
        (["{}", "cat", "--decay", "1.5"], 2, "1.5 is not in the range"),
        (["{}", "cat", "--mode", "loud"], 2, "'loud' is not one of"),
        (["{}", "cat", "--depth", "101"], 2, "101"),
    ],
    "pagerank": [
        (["{}", "--damping", "1"], 2, "1.0 is not in the range"),
        (["{}", "--from", "unicorn"], 1, "unicorn"),
        (["{}", "--type", "nope"], 1, "nope"),
    ],
    "components": [
        (["{}", "--type", "nope"], 1, "nope"),
        (["{}", "--limit", "some"], 2, "'some' is not a valid integer range"),
        (["other.ngdb"], 1, "no file at"),
    ],
    "near": [
        (["{}"], 2, "one of TOKEN and --at must be given, got neither"),
        (["{}", "cat", "--at", "1,2,3"], 2, "one of TOKEN and --at must be given, got both"),
        (["{}", "--at", "1,2,3"], 2, "--at must have a --level"),
        (["{}", "--at", "1,2", "--level", "social"], 2, "must be three numbers with commas between them, got '1,2'"),
        (["{}", "--at", "1,2,nan", "--level", "social"], 1, "nan"),
        (["{}", "cat", "-k", "0"], 2, "0 is not in the range"),
        (["{}", "cat", "--level", "astral"], 2, "'astral' is not one of 'physical'"),
        (["{}", "cat", "--weight", "emotional"], 2, "must be two words with = between them, got 'emotional'"),
        (["{}", "cat", "--weight", "emotional=much"], 2, "--weight must be LEVEL=NUMBER"),
        (["{}", "cat", "--weight", "astral=1"], 1, "astral"),
        (["{}", "cat", "--level", "emotional", "--weight", "social=1"], 1, "weights must be left out"),
    ],
    "range": [
        (["{}", "cat"], 2, "missing option '--radius'"),
        (["{}", "cat", "--radius", "-1"], 2, "-1.0 is not in the range"),
        (["{}", "animal", "--radius", "1", "--level", "social"], 1, "the token must have a place on the level social"),
        (["{}", "cat", "--radius", "nan"], 1, "nan"),
    ],
    "density": [
        (["{}", "cat", "--radius", "1"], 2, "missing option '--level'"),
        (["{}", "cat", "--level", "social", "--radius", "1"], 1, "must have a place on the level social, got 'cat'"),
        (["{}", "cat", "--level", "emotional", "--radius", "1", "--falloff", "cubic"], 2, "'cubic' is not one of"),
    ],
    "query": [
        (["{}"], 1, "text"),
        (["{}", ""], 2, "QUERY must have at least one character that is no blank, got ''"),
        (["{}", "cat", "--library", "plants"], 1, "no library has the name 'plants'"),
        (["{}", "cat", "--leg", "nose"], 2, "'nose' is not one of"),
        (["{}", "cat", "--weight", "text=much"], 2, "--weight must be LEG=NUMBER"),
        (["{}", "cat", "--weight", "nose=1"], 1, "nose"),
        (["{}", "cat", "--near", "cat", "--at", "1,2,3", "--level", "social"], 2, "--near and --at exclude each other"),
        (["{}", "cat", "--at", "1,2,3"], 2, "--at and --level go together"),
        (["{}", "cat", "--level", "social"], 2, "--at and --level go together"),
        (["{}", "cat", "--model", "default"], 2, "--model needs one --library, got 0"),
        (["{}", "--near", "unicorn"], 1, "unicorn"),
        (["{}", "cat", "--leg", "text"], 1, "has an index of its texts; make one by `ngdb library index`"),
        (["{}", "cat", "--leg", "vector"], 1, "make one by `ngdb library create --model default`, or pass --vector"),
        (["{}", "cat", "--leg", "space"], 1, "nothing says where; give --near, or --at and --level"),
        (["{}", "--vector", "1,0", "--leg", "text"], 1, "the question has no text; give it one"),
    ],
    "search": [
        (["{}", "pets"], 2, "one of QUERY, --text, --key, --token, --vector and --words must be given, got 0"),
        (["{}", "pets", "cat", "--words", "cat"], 2, "must be given, got 2"),
        (["{}", "pets", "--words", "cat", "--recall", "0.9"], 2, "--recall is for searches by vectors, got --words"),
        (["{}", "pets", "cat", "--recall", "1.5"], 2, "1.5 is not in the range"),
        (["{}", "pets", "cat", "--syntax", "all"], 2, "--syntax is for --words"),
        (["{}", "pets", "--words", "cat"], 1, "have a text index to match words; make one by `ngdb library index`"),
        (["{}", "pets", "cat", "--key", "cat"], 2, "must be given, got 2"),
        (["{}", "zoo", "cat"], 1, "no library has the name 'zoo'; `ngdb library create` makes one"),
        (["{}", "pets", "kit"], 1, "no item of 'pets' has the key 'kit'"),
        (["{}", "pets", "--text", "kit"], 1, "must have an encoder to search for text"),
        (["{}", "pets", "--vector", "1,two"], 2, "must be numbers with commas between them, got '1,two'"),
        (["{}", "pets", "--vector", "1,2,3"], 1, "vector must have 2 numbers, got 3"),
        (["{}", "pets", "--vector", "1,nan"], 1, "vector must be finite"),
        (["{}", "pets", "cat", "--where", "legs ="], 1, "--where must be an SQL condition"),
        (["{}", "pets", "cat", "-k", "0"], 2, "0 is not in the range"),
        (["{}", "pets", ""], 2, "QUERY must have at least one character that is no blank, got ''"),
        (["{}", "pets", "--text", " \n"], 2, "--text must have at least one character that is no blank"),
        (["{}", "pets", "--words", " "], 2, "--words must have at least one character that is no blank, got ' '"),
        (["{}", "pets", "cat", "--max-distance", "-1"], 1, "max_distance must be in [0, inf], got -1.0"),
        (["{}", "pets", "cat", "--model", "nowhere"], 1, "nowhere"),
    ],
    "embed": [
        (["a", "--model", "nowhere"], 1, "nowhere"),
        (["a", "--json", "--npy", "a.npy"], 2, "--json and --npy exclude each other"),
        (["a", "--npy", "nowhere/a.npy"], 1, "--npy must be in a folder that exists"),
        (["a", "--library", "{}", "plants"], 1, "no library has the name 'plants'"),
        (["a", "--library", "{}", "pets"], 1, "must have an encoder"),
    ],
    "library create": [
        (["{}", "plants"], 2, "--dimension or --model must be given, got neither"),
        (["{}", "plants", "--model", "minilm"], 2, "--dimension must be given with a model's name"),
        (["{}", "plants", "--model", "./minilm"], 1, "minilm"),
        (["{}", "pets", "--dimension", "2"], 1, "got 'pets', which a library has; use it, or drop it by `ngdb library"),
        (["{}", "plants", "--dimension", "0"], 2, "0 is not in the range"),
        (["{}", "plants", "--dimension", "2", "--metric", "far"], 2, "'far' is not one of"),
        (["new.ngdb", "", "--dimension", "2"], 1, "name must be"),
    ],
    "library load": [
        (["{}", "nowhere.txt"], 1, "nowhere.txt"),
        (["new.ngdb", "list.json"], 1, "list.json"),
        (["{}", "tiny.txt", "--name", "pets"], 1, "name must be unique, got 'pets'"),
        (["{}", "tiny.txt", "--limit", "0"], 2, "0 is not in the range"),
        (["{}", "tiny.txt", "--subset", "nowhere.txt"], 1, "--subset must name a file"),
        (["{}", "tiny.txt", "--subset", "latin.txt"], 1, "--subset must be UTF-8, one word a line, got 'latin.txt'"),
        (["{}", "tiny.txt", "--words", "latin.txt"], 1, "words must be left out, as glove has words of its own"),
        (["{}", "tiny.txt", "--format", "xml"], 2, "'xml' is not one of"),
        (["{}", "torn.txt"], 1, "got 2 fields; pass --malformed skip to leave such out"),
        (["{}", "latin.glove"], 1, "pass --errors replace, or --errors cp1252"),
        (["{}", "two.zip"], 1, "must hold one file, got 'a', 'b'; name one by --member"),
        (["{}", "rows.npy"], 1, "an array needs its list of words; name that file by --words"),
    ],
    "library add": [
        (["{}", "plants", "items.jsonl"], 1, "no library has the name 'plants'"),
        (["other.ngdb", "pets", "items.jsonl"], 1, "no file at"),
        (["{}", "pets", "items.jsonl"], 1, "line 1: key must be unique, got 'cat'"),
        (["{}", "pets", "text.csv"], 1, "line 2: must have a key, a text or a vector"),
        (["{}", "pets", "text.csv", "--rename", "weight=vector"], 1, "line 2: vector must be a JSON list of finite"),
        (
            ["{}", "pets", "text.csv", "--rename", "label=token", "--rename", "weight=key"],
            1,
            "token must be the label or",
        ),
        (["{}", "pets", "items.jsonl", "--on-conflict", "number"], 2, "'number' is not one of"),
        (["{}", "pets", "-"], 2, "stdin has no name that tells the format"),
    ],
    "library index": [
        (["{}", "plants"], 1, "no library has the name 'plants'"),
        (["{}", "pets", "--tokenizer", "klingon"], 1, "klingon"),
        (["{}", "pets", "--drop", "--rebuild"], 2, "--drop excludes --rebuild and --tokenizer"),
    ],
    "library bootstrap": [
        (["{}", "plants"], 1, "no library has the name 'plants'"),
        (["{}", "pets", "--type", "hates_it"], 1, "hates_it"),
        (["{}", "pets", "--entity-type", "robot"], 1, "robot"),
        (["{}", "pets", "--decay", "-1"], 2, "-1.0 is not in the range"),
        (["{}", "pets", "-k", "-1"], 2, "-1 is not in the range"),
        (["{}", "pets", "--where", "legs ="], 1, "--where must be an SQL condition"),
        (["{}", "pets", "--on-conflict", "error"], 1, "label must be unique, got 'cat'"),
        (["{}", "pets", "--no-tokens", "--no-place", "--no-weave"], 2, "--weave must be left, got --no for each"),
    ],
    "associate": [
        (["{}"], 2, "missing argument 'WORDS...'"),
        (["{}", "unicorn"], 1, "no token has the label 'unicorn'"),
        (["{}", "unicorn", "--library", "pets"], 1, "no item of 'pets' has the key 'unicorn'"),
        (["{}", "cat", "--library", "plants"], 1, "no library has the name 'plants'"),
        (["{}", "cat", "--combine", "median"], 2, "'median' is not one of"),
        (["{}", "cat", "--model", "default"], 2, "--model needs a --library"),
    ],
    "library optimize": [
        (["{}"], 2, "missing argument 'LIBRARY'"),
        (["{}", "plants"], 1, "no library has the name 'plants'"),
        (["text.csv", "pets"], 1, "is not a SQLite database"),
    ],
    "library recall": [
        (["{}", "plants"], 1, "no library has the name 'plants'"),
        (["{}", "pets", "--recall", "0"], 2, "0.0 is not in the range"),
        (["{}", "pets", "-k", "0"], 2, "0 is not in the range"),
    ],
    "library list": [
        (["other.ngdb"], 1, "no file at"),
        (["text.csv"], 1, "is not a SQLite database"),
        (["{}", "pets"], 2, "got unexpected extra argument"),
    ],
    "library info": [
        (["{}"], 2, "missing argument 'LIBRARY'"),
        (["{}", "plants"], 1, "no library has the name 'plants'"),
        (["{}", "pet"], 1, "the closest are 'pets'"),
    ],
    "library reembed": [
        (["{}", "pets"], 2, "missing option '--model'"),
        (["{}", "plants", "--model", "default"], 1, "no library has the name 'plants'"),
        (["{}", "pets", "--model", "nowhere"], 1, "nowhere"),
        (["{}", "pets", "--model", "default"], 1, "text"),
    ],
    "library drop": [
        (["{}"], 2, "missing argument 'LIBRARY'"),
        (["{}", "plants"], 1, "no library has the name 'plants'"),
        (["other.ngdb", "pets"], 1, "no file at"),
    ],
    "kv set": [
        (["{}", "n", "a"], 2, "missing argument 'VALUE'"),
        (["{}", "n", "a", "{a: 1}"], 2, "VALUE must be JSON"),
        (["{}", "n", "a", "1", "--ttl", "0"], 1, "ttl_s must be above 0"),
        (["{}", "n", "a", "1", "--if-version", "7"], 1, "must be 7, got nothing stored"),
        (["other.ngdb", "", "a", "1"], 1, "namespace must be non-empty text"),
    ],
    "kv get": [
        (["{}", "n"], 2, "missing argument 'KEY'"),
        (["{}", "n", "a"], 1, "nothing is stored as 'a' in 'n'"),
        (["other.ngdb", "n", "a"], 1, "no file at"),
    ],
    "kv list": [
        (["{}", "--prefix", "a"], 2, "--prefix and --after need a NAMESPACE"),
        (["{}", "n", "--limit", "-1"], 2, "is not in the range"),
        (["text.csv"], 1, "is not a SQLite database"),
    ],
    "kv delete": [
        (["{}", "n"], 2, "missing argument 'KEYS...'"),
        (["{}", "n", "a", "b", "--if-version", "1"], 2, "--if-version needs one KEY"),
        (["{}", "n", "a", "--if-version", "7"], 1, "must be 7, got nothing stored"),
        (["{}", "n", ""], 1, "key must be non-empty text"),
        (["other.ngdb", "n", "a"], 1, "no file at"),
    ],
    "events list": [
        (["{}", "token.craeted"], 1, "the closest are 'token.created'"),
        (["{}", "--where", "{"], 2, "--where must be JSON"),
        (["{}", "--where", '{"a": {"$is": 1}}'], 1, "where must have operators of $eq"),
        (["{}", "--after", "-1"], 2, "is not in the range"),
        (["other.ngdb"], 1, "no file at"),
    ],
    "events tail": [
        (["{}", "token.craeted", "--timeout", "0"], 1, "the closest are 'token.created'"),
        (["{}", "--where", "[]", "--timeout", "0"], 1, "where must be a dict of conditions"),
        (["{}", "--timeout", "-1"], 2, "is not in the range"),
    ],
    "events types": [
        (["{}", "token*"], 1, "type must be a name such as"),
        (["other.ngdb"], 1, "no file at"),
        (["text.csv"], 1, "is not a SQLite database"),
    ],
    "events enable": [
        (["{}"], 2, "missing argument 'TYPE'"),
        (["{}", "token.craeted"], 1, "the closest are 'token.created'"),
        (["other.ngdb", "token.*"], 1, "no file at"),
    ],
    "events disable": [
        (["{}"], 2, "missing argument 'TYPE'"),
        (["{}", "token."], 1, "type must be a name such as"),
        (["other.ngdb", "token.*"], 1, "no file at"),
    ],
    "queue publish": [
        (["{}", "jobs"], 2, "missing argument 'PAYLOAD...'"),
        (["{}", "jobs", "{n: 1}"], 2, "PAYLOAD must be JSON, got '{n: 1}'"),
        (["{}", "jobs", "NaN"], 1, "payload must be what JSON can say"),
        (["new.ngdb", "", "1"], 1, "channel must be a string of at least one character"),
        (["{}", "jobs", "1", "--priority", "soon"], 1, "priority must be a whole number or one of critical"),
        (["{}", "jobs", "1", "--priority", "1001"], 1, "priority must be in [-1000, 1000], got 1001"),
        (["{}", "jobs", "1", "2", "--key", "k"], 2, "--key is for one PAYLOAD, got 2"),
        (["{}", "jobs", "1", "--header", "trace"], 2, "must be two words with = between them, got 'trace'"),
        (["{}", "jobs", "1", "--ttl", "-1"], 1, "ttl_s must be"),
        (["{}", "full", "1"], 1, "claim and ack some, or raise capacity in the table channel by `ngdb sql`"),
        (["{}", "slow", "1"], 1, "publish later, or raise rate_per_s or burst in the table channel by `ngdb sql`"),
    ],
    "queue claim": [
        (["{}"], 2, "missing argument 'CHANNEL'"),
        (["{}", "jobs", "-n", "0"], 2, "0 is not in the range"),
        (["{}", "jobs", "--lease", "-1"], 1, "lease_s must be"),
        (["{}", "jobs", "--wait", "-1"], 1, "timeout_s must be"),
        (["other.ngdb", "jobs"], 1, "no file at"),
    ],
    "queue ack": [
        (["{}"], 2, "missing argument 'RECEIPTS...'"),
        (["{}", "7"], 2, "must be what `ngdb queue claim` wrote as receipt, got '7'"),
        (["{}", "7:x"], 2, "must be what `ngdb queue claim` wrote as receipt, got '7:x'"),
        (["{}", "7:8"], 1, "message 7 must still be yours, but its lease ran out"),
        (["{}", "7:8", "--result", "{n"], 2, "--result must be JSON"),
    ],
    "queue nack": [
        (["{}"], 2, "missing argument 'RECEIPTS...'"),
        (["{}", "7:8"], 1, "claim with more --lease, or `ngdb queue extend` it in time"),
        (["{}", "7:8", "--delay", "-1"], 1, "delay_s must be"),
    ],
    "queue extend": [
        (["{}", "-7:8"], 2, "no such option"),
        (["{}", "7:8"], 1, "message 7 must still be yours"),
        (["{}", "7:8", "--lease", "soon"], 2, "'soon' is not a valid float"),
    ],
    "queue tail": [
        (["{}"], 2, "missing argument 'CHANNEL...'"),
        (["{}", "full", "-n", "-1"], 2, "-1 is not in the range"),
        (["{}", "full", "--timeout", "-1"], 1, "timeout_s must be"),
        (["other.ngdb", "jobs"], 1, "no file at"),
    ],
    "queue stats": [
        (["{}", "jobs"], 1, "no channel has the name 'jobs'; `ngdb queue publish` makes it"),
        (["{}", "ful"], 1, "the closest are 'full'"),
        (["text.csv"], 1, "is not a SQLite database"),
    ],
    "queue redrive": [
        (["{}", "jobs"], 1, "no channel has the name 'jobs'"),
        (["{}", "full", "0"], 2, "0 is not in the range"),
        (["{}", "full", "-n", "-1"], 2, "-1 is not in the range"),
    ],
    "queue purge": [
        (["{}", "jobs"], 1, "no channel has the name 'jobs'"),
        (["{}", "full", "--state", "lost"], 2, "'lost' is not one of 'ready'"),
        (["other.ngdb", "jobs"], 1, "no file at"),
    ],
    "topics list": [
        (["other.ngdb"], 1, "no file at"),
        (["text.csv"], 1, "is not a SQLite database"),
        (["{}", "news"], 2, "got unexpected extra argument"),
    ],
    "topics publish": [
        (["{}", "news"], 2, "missing argument 'PAYLOAD...'"),
        (["{}", "news", "{n: 1}"], 2, "PAYLOAD must be JSON, got '{n: 1}'"),
        (["{}", "news", "NaN"], 1, "payload must be what JSON can say"),
        (["new.ngdb", "a*", "1"], 1, "topic must have a name without *"),
        (["{}", "news", "1", "--header", "trace"], 2, "must be two words with = between them, got 'trace'"),
    ],
    "topics tail": [
        (["{}", "a*b", "--timeout", "0"], 1, "pattern must be the name of a topic, or have its only * at the end"),
        (["{}", "*", "--where", "{", "--timeout", "0"], 2, "--where must be JSON"),
        (["{}", "news", "--where", '{"$near": 1}', "--timeout", "0"], 1, "where must"),
        (["{}", "news", "--after", "-1"], 2, "is not in the range"),
        (["{}", "news", "--timeout", "-1"], 2, "is not in the range"),
        (["other.ngdb"], 1, "no file at"),
    ],
    "topics subscriptions": [
        (["{}", "mail"], 1, "no subscription has the name 'mail'; the closest are 'mails'; an insert into the table"),
        (["other.ngdb"], 1, "no file at"),
        (["text.csv"], 1, "is not a SQLite database"),
    ],
    "worker": [
        (["{}", "math:sqrt"], 2, "missing argument 'CHANNEL...'"),
        (["{}", "math.sqrt", "jobs"], 2, "MODULE:FUNCTION must be two names with : between them, got 'math.sqrt'"),
        (["{}", "no_such_module:f", "jobs"], 1, "(ModuleNotFoundError: No module named 'no_such_module'); run it in"),
        (["{}", "math:cbrtt", "jobs"], 1, "(AttributeError: module 'math' has no attribute 'cbrtt'"),
        (["{}", "math:pi", "jobs"], 1, "the handler must be a function, got 'math:pi', which is 3.14"),
        (
            ["{}", "operator:setitem", "jobs"],
            1,
            "must take a message, or a message and the database, got operator:seti",
        ),
        (["{}", "math:sqrt", "jobs", "--timeout", "0"], 1, "timeout_s must be None or a number"),
        (["{}", "math:sqrt", "jobs", "--concurrency", "0"], 2, "0 is not in the range"),
        (["{}", "math:sqrt", "jobs", "--lease", "-1"], 1, "lease_s must be"),
        (["{}", "math:sqrt", ""], 1, "channel must be a string"),
        (["other.ngdb", "math:sqrt", "jobs"], 1, "no file at"),
    ],
    "import": [
        (["{}", "token", "text.csv"], 2, "'token' is not one of 'tokens', 'edges'"),
        (["{}", "tokens", "nowhere.csv"], 1, "nowhere.csv"),
        (["{}", "tokens", "folder"], 2, "is a directory"),
        (["{}", "tokens", "text.csv", "--rename", "label"], 2, "must be two words with = between them, got 'label'"),
        (["{}", "tokens", "text.csv", "--type", "a=b"], 2, "are for edges, got tokens"),
        (["{}", "tokens", "text.csv", "--on-conflict", "number"], 2, "are for edges, got tokens"),
        (["{}", "edges", "text.csv", "--types", "nowhere.json"], 1, "nowhere.json"),
        (["{}", "edges", "text.csv", "--types", "text.csv"], 2, "--types must name a file of JSON, got 'text.csv'"),
        (["{}", "edges", "text.csv", "--types", "list.json"], 2, "--types must be a JSON object of names of types"),
        (["{}", "edges", "text.csv"], 1, "line 2: source must be given"),
        (["{}", "tokens", "text.csv", "--set", "weight=much"], 1, "line 2: weight must be a number, got 'much'"),
        (["{}", "tokens", "text.csv", "--format", "xml"], 2, "'xml' is not one of"),
        (["{}", "tokens", "text.csv", "--resume", "--drop"], 2, "--resume and --drop exclude each other"),
        (["other.ngdb", "tokens", "text.csv", "--drop"], 1, "no file at"),
    ],
    "export": [
        (["{}", "tokens"], 2, "missing argument 'TARGET'"),
        (["{}", "tokens", "out.xml"], 1, "must end in"),
        (["{}", "tokens", "nowhere/out.csv"], 1, "nowhere"),
        (["{}", "tokens", "out.csv", "--ends", "id"], 2, "--ends is for edges, got tokens"),
        (["{}", "edges", "folder"], 2, "is a directory"),
    ],
    "check": [
        (["{}", "--limit", "0"], 2, "0 is not in the range"),
        (["other.ngdb"], 1, "no file at"),
        (["text.csv"], 1, "is not a SQLite database"),
    ],
    "optimize": [
        ([], 2, "missing argument 'FILE'"),
        (["other.ngdb"], 1, "no file at"),
        (["text.csv"], 1, "is not a SQLite database"),
    ],
    "warm": [
        (["{}"], 2, "got unexpected extra argument"),
        (["--jsn"], 2, "no such option"),
        (["--json=yes"], 2, "does not take a value"),
    ],
}
PYTHON = re.compile(r"\b(db|library)\.\w+|\b(errors|malformed|member|words|model|near|text|vector|syntax)=")
"""What a user of `ngdb` is not to be told."""
CASES = [(name, *case) for name, cases in WRONG.items() for case in cases]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, mind_bytes: bytes) -> bytes:
    """Return what the file `mind` holds with a library, a topic, a subscription and channels that are full or slow."""
    path = tmp_path_factory.mktemp("filled") / "mind.ngdb"
    path.write_bytes(mind_bytes)
    with neurograph.open(path) as db:
        db.library.create("pets", dimension=2).add([[1, 0], [0, 1]], keys=["cat", "dog"])
        db.topics.subscribe("mails", "news")
        db.topics.publish("news", 1)
        db.queue.create_channel("full", capacity=1)
        db.queue.create_channel("slow", rate_per_s=0.001, burst=1)
        db.queue.publish("full", 1), db.queue.publish("slow", 1)
    return path.read_bytes()


@pytest.fixture
def folder(mind: Path, filled: bytes) -> Path:
    mind.write_bytes(filled)
    (mind.parent / "folder").mkdir()
    (mind.parent / "text.csv").write_text("label,weight\nowl,0.5\n" * 20, encoding="utf-8")
    (mind.parent / "list.json").write_text("[1]", encoding="utf-8")
    (mind.parent / "tiny.txt").write_text("owl 1 0\nelk 0 1\n", encoding="utf-8")
    (mind.parent / "latin.txt").write_bytes(b"caf\xe9\nowl\n")
    (mind.parent / "torn.txt").write_text("owl 1 0\nelk 0\n", encoding="utf-8")
    (mind.parent / "latin.glove").write_bytes(b"caf\xe9 1 0\nowl 0 1\n")
    with zipfile.ZipFile(mind.parent / "two.zip", "w") as two:
        two.writestr("a", "owl 1 0\n")
        two.writestr("b", "elk 0 1\n")
    np.save(mind.parent / "rows.npy", np.eye(2, dtype=np.float32))
    (mind.parent / "items.jsonl").write_text('{"key": "cat", "vector": [1, 0]}\n', encoding="utf-8")
    return mind.parent


def test_every_command_is_given_three_wrong_inputs():
    assert WRONG.keys() == commands().keys()
    assert all(len(cases) >= 3 for cases in WRONG.values())


@pytest.mark.parametrize(
    ("name", "arguments", "code", "said"), CASES, ids=[f"{name} {' '.join(a)}" for name, a, *_ in CASES]
)
def test_it_is_refused(mind, folder, name, arguments, code, said):
    before = mind.read_bytes()
    names = sorted(path.name for path in folder.iterdir())
    line = refusal(*name.split(), *(argument.replace("{}", str(mind)) for argument in arguments), code=code)
    assert said in line, line
    assert not PYTHON.search(line), line
    assert companions(mind) == []
    assert sorted(path.name for path in folder.iterdir()) == names
    if name not in {"import", "library load"}:  # which notes that it has begun
        assert mind.read_bytes() == before


@pytest.mark.parametrize("wrong", [["library", "drop", "{}", "plants"], ["sql", "{}", "select"]], ids=" ".join)
def test_what_read_only_media_can_hold_is_that_after_a_refusal(mind, wrong):
    run("optimize", mind)
    before = mind.read_bytes()
    assert before[18] == 1  # SQLite's header: no log beside the file
    refusal(*(argument.replace("{}", str(mind)) for argument in wrong))
    assert mind.read_bytes()[18] == 1
    assert companions(mind) == []


def test_each_remedy_stands_in_a_message_of_the_package():
    package = Path(neurograph.__file__).parent
    sources = [path for path in package.rglob("*.py") if path.name != "remedies.py"]
    text = "".join(re.sub(r'"\n\s*f?"', "", path.read_text(encoding="utf-8")) for path in sources).replace('\\"', '"')
    for said in REMEDIES:
        assert said in text, said
