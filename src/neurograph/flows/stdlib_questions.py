"""What `ngdb demo` asks of the standard library: each question in words, in SQL, and in Python.

Invariants
----------
1. ``sql`` uses the stored tables and the table-valued functions alone; its first column is a label.
2. `Question.includes` holds on Python 3.11, 3.12 and 3.13, with and without the parts that distributions split off
   (tkinter, idlelib, lib2to3, distutils), and for any sensible change of a default (damping, decay, weights).
3. ``python`` is one expression over an open database ``db``. Its answer is the same as the SQL's, before labels are
   joined and before what is said in ``where`` and ``limit``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask.

    Parameters
    ----------
    name
        Short and unique, for options and tests.
    text
        The question in words.
    sql
        One select.
    python
        The same through the Python API.
    includes
        Labels that any true answer holds.
    """

    name: str
    text: str
    sql: str
    python: str
    includes: tuple[str, ...]


QUESTIONS = (
    Question(
        "most-called",
        "What is called from the most places?",
        """
select t.label, count(*) as callers, t.properties ->> '$.summary' as says
  from edge as e
  join connection_type as c on c.code = e.type
  join token as t on t.id = e.target
 where c.name = 'calls'
 group by t.id
 order by callers desc, t.id
 limit 8
""",
        "collections.Counter(edge.target for edge in db.graph.list(types='calls', limit=10**6)).most_common(8)",
        ("builtins.len", "builtins.isinstance", "builtins.ValueError"),
    ),
    Question(
        "reach",
        "What does json.dumps set in motion within three steps?",
        """
select t.label, b.depth, t.properties ->> '$.summary' as says
  from ng_bfs('json.dumps', 3, 'out') as b
  join token as t on t.id = b.id
 order by b.depth, b.id
""",
        "db.graph.bfs('json.dumps', max_depth=3)",
        ("json.dumps", "json.encoder.JSONEncoder.encode", "json.encoder.JSONEncoder.iterencode"),
    ),
    Question(
        "chain",
        "How does parsing a command line end up compiling a regular expression?",
        """
select t.label, p.step, c.name as by
  from ng_shortest_path('argparse.ArgumentParser.parse_args', 're._compiler.compile', 'hops') as p
  join token as t on t.id = p.id
  left join connection_type as c on c.code = p.type
 order by p.step
""",
        "db.graph.shortest_path('argparse.ArgumentParser.parse_args', 're._compiler.compile', cost='hops')",
        ("argparse.ArgumentParser.parse_args", "argparse.ArgumentParser.parse_known_args", "re._compiler.compile"),
    ),
    Question(
        "breaks",
        "How many modules would no longer load if one of these failed: at once, and in the end?",
        """
with recursive imports (code) as (
  select code from connection_type where name = 'imports'
),
broken (cause, id, depth) as (
  select id, id, 0 from token where label in ('re', 'enum', 'socket', 'logging', 'decimal')
   union
  select broken.cause, e.source, min(broken.depth + 1, 2)
    from broken
    join edge as e on e.target = broken.id and e.type = (select code from imports)
)
select t.label,
       count(distinct case when broken.depth = 1 then m.id end) as at_once,
       count(distinct m.id) - 1 as in_the_end
  from broken
  join token as t on t.id = broken.cause
  join token as m on m.id = broken.id and m.properties ->> '$.kind' = 'module'
 group by t.id
 order by in_the_end desc, t.id
""",
        "db.graph.bfs('re', direction='in', types='imports')",
        ("re", "enum", "socket", "logging", "decimal"),
    ),
    Question(
        "rank",
        "Where does everything lead to?",
        """
select t.label, round(p.score, 4) as score, t.properties ->> '$.summary' as says
  from ng_pagerank() as p
  join token as t on t.id = p.id
 order by p.score desc, p.id
 limit 8
""",
        "db.graph.pagerank()",
        ("builtins.BaseException", "builtins.isinstance", "builtins.len"),
    ),
    Question(
        "alike",
        "Which classes are made to be derived from, as logging.Handler is?",
        """
select t.label, round(n.distance, 3) as distance, t.properties ->> '$.summary' as says
  from ng_near('logging.Handler', 40, 'cognitive') as n
  join token as t on t.id = n.id
 where t.properties ->> '$.kind' = 'class'
 order by n.distance, n.id
 limit 8
""",
        "db.grid.neighbors('logging.Handler', k=40, level='cognitive')",
        ("socketserver.TCPServer", "unittest.case.TestCase"),
    ),
    Question(
        "unexplained",
        "What is heaviest to read, most open in what it does, and explained least?",
        """
select t.label, t.properties ->> '$.complexity' as complexity, t.properties ->> '$.file' as file
  from ng_in_range('cognitive', 1.0, 0.5, 0.0, 0.3) as r
  join token as t on t.id = r.id
 order by r.distance, r.id
 limit 8
""",
        "db.grid.in_range((1.0, 0.5, 0.0), 0.3, level='cognitive')",
        ("re._parser._parse", "email.feedparser.FeedParser._parsegen", "shlex.shlex.read_token"),
    ),
    Question(
        "spread",
        "What lights up when asyncio.run is touched?",
        """
select t.label, round(s.energy, 3) as energy, s.depth
  from ng_spread('asyncio.runners.run', 1.0) as s
  join token as t on t.id = s.id
 order by s.energy desc, s.id
 limit 12
""",
        "db.graph.spread('asyncio.runners.run', energy=1.0)",
        ("asyncio.runners.Runner", "asyncio.runners.Runner.run", "asyncio.events._get_running_loop"),
    ),
    Question(
        "deepest",
        "Which classes have the longest line of ancestors?",
        """
with recursive line (class, id, depth, path) as (
  select id, id, 0, label from token where properties ->> '$.kind' = 'class'
   union all
  select line.class, t.id, line.depth + 1, line.path || ' < ' || t.label
    from line
    join edge as e on e.source = line.id
    join token as t on t.id = e.target
   where e.type = (select code from connection_type where name = 'inherits') and line.depth < 20
)
select t.label, max(line.depth) as depth, count(distinct line.id) - 1 as ancestors, line.path
  from line
  join token as t on t.id = line.class
 group by line.class
 order by depth desc, line.class
 limit 8
""",
        "len(db.graph.bfs('asyncio.proactor_events._ProactorSocketTransport', types='inherits')) - 1",
        ("asyncio.proactor_events._ProactorSocketTransport",),
    ),
)
