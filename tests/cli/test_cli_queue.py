"""`ngdb queue`: messages that go from one process to the next."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import answer, companions, ended, refusal, run, start

import neurograph
from neurograph.stores.queue.looking import Looking


def test_a_message_is_published_claimed_and_acked_by_processes_of_their_own(mind):
    assert run("queue", "publish", mind, "jobs", '{"n": 1}', "--priority", "high").stdout == "message 1 is in 'jobs'\n"
    [claimed] = answer("queue", "claim", mind, "jobs")
    assert claimed["payload"] == {"n": 1}
    assert claimed["priority"] == 25
    assert claimed["receipt"].startswith("1:")
    assert run("queue", "claim", mind, "jobs").stderr == "nothing is ready in 'jobs'\n"
    assert run("queue", "ack", mind, claimed["receipt"]).stdout == "message 1 is done\n"
    assert "message 1 must still be yours" in refusal("queue", "ack", mind, claimed["receipt"])
    assert answer("queue", "stats", mind, "jobs")[0]["ready"] == 0
    assert companions(mind) == []


def test_what_is_published_is_what_python_reads(mind):
    more = ["--header", "trace=t", "--header", "source=cron", "--key", "k", "--ttl", "60", "--priority", "-7"]
    run("queue", "publish", mind, "jobs", "é", "--text", *more)
    assert run("queue", "publish", mind, "jobs", "1", "--key", "k").stdout == "message 1 in 'jobs' has that key\n"
    with neurograph.open(mind) as db:
        [message] = db.queue.claim("jobs")
    assert (message.payload, message.headers) == ("é", {"trace": "t", "source": "cron"})
    assert (message.key, message.priority) == ("k", -7)
    assert message.expires_ns is not None


def test_several_are_published_at_once_and_a_dash_is_stdin(mind):
    run("queue", "publish", mind, "jobs", "1", "-", "3", input='{"a": 2}\n')
    assert [claimed["payload"] for claimed in answer("queue", "claim", mind, "jobs", "-n", "9")] == [1, {"a": 2}, 3]
    refusal("queue", "publish", mind, "jobs", "4", "{", code=2)
    run("queue", "publish", mind, "jobs", "5", "--delay", "60")
    assert answer("queue", "stats", mind)[0] | {"oldest_ns": None} == {
        "channel": "jobs", "ready": 0, "delayed": 1, "claimed": 3, "done": 0, "dead": 0, "evicted": 0, "expired": 0,
        "oldest_ns": None, "paused": False,
    }  # fmt: skip


def test_a_message_that_a_full_channel_drops_is_said_to_be_dropped(mind):
    with neurograph.open(mind) as db:
        db.queue.create_channel("small", capacity=1, when_full="evict_lowest")
    run("queue", "publish", mind, "small", "1")
    assert run("queue", "publish", mind, "small", "2").stdout == "'small' is full, and dropped the message\n"
    assert answer("queue", "publish", mind, "small", "3")[0]["id"] is None


def test_claims_show_as_a_table(mind):
    run("queue", "publish", mind, "jobs", '{"n": 1}')
    with neurograph.open(mind) as db:
        db.queue.publish("jobs", b"\x00\xff")
    head, _, first, second = run("queue", "claim", mind, "jobs", "-n", "2", "--lease", "600").stdout.splitlines()
    assert head.split() == ["receipt", "attempts", "priority", "payload"]
    assert first.endswith('{"n":1}')
    assert second.endswith("x'00ff'")


def test_a_claim_waits_for_a_message(mind):
    assert answer("queue", "claim", mind, "jobs", "--wait", "0") == []
    run("queue", "publish", mind, "jobs", "1", "2", "3")
    assert len(answer("queue", "claim", mind, "jobs", "-n", "2", "--wait", "60")) == 2
    assert len(answer("queue", "claim", mind, "jobs", "-n", "2", "--wait", "60")) == 1


def test_receipts_are_settled_all_or_none(mind):
    run("queue", "publish", mind, "jobs", "1", "2")
    first, second = (one["receipt"] for one in answer("queue", "claim", mind, "jobs", "-n", "2"))
    assert answer("queue", "extend", mind, first, second, "--lease", "600") == {"extended": [1, 2]}
    refusal("queue", "ack", mind, first, "2:1")
    assert answer("queue", "ack", mind, first) == {"acked": [1]}
    assert answer("queue", "nack", mind, second, "--error", "no network", "--delay", "0") == {"nacked": [2]}
    [again] = answer("queue", "claim", mind, "jobs")
    assert again["attempts"] == 2
    with neurograph.open(mind, mode="r") as db:
        assert db.queue.failures(2)[0].error == "no network"
        assert db.check() == []


def test_numbers_that_are_none_are_refused_in_words(mind):
    for priority in ("--5", "9" * 5000):  # of which Python makes no number
        said = refusal("queue", "publish", mind, "jobs", "1", f"--priority={priority}")
        assert said.startswith("priority must be a whole number")
    for receipt in ("9999999999999999999:1", "1:9999999999999999999"):
        assert "must be what `ngdb queue claim` wrote" in refusal("queue", "ack", mind, receipt, code=2)


def test_a_result_is_kept_where_the_channel_keeps_it(mind):
    with neurograph.open(mind) as db:
        db.queue.create_channel("sums", keep_ms=60_000)
    run("queue", "publish", mind, "sums", "[1, 2]")
    [claimed] = answer("queue", "claim", mind, "sums")
    run("queue", "ack", mind, claimed["receipt"], "--result", "3")
    with neurograph.open(mind, mode="r") as db:
        assert db.queue.get(1).result == 3


def test_dead_letters_go_back_all_or_those_that_are_named(mind):
    with neurograph.open(mind) as db:
        db.queue.create_channel("jobs", attempts=1, dead_letter="dead")
    run("queue", "publish", mind, "jobs", *"12345")
    receipts = [one["receipt"] for one in answer("queue", "claim", mind, "jobs", "-n", "5")]
    run("queue", "nack", mind, *receipts)
    assert run("queue", "redrive", mind, "dead", "2", "4").stdout == "2 messages of 'dead' will be tried again\n"
    assert run("queue", "redrive", mind, "dead", "-n", "1").stdout == "1 message of 'dead' will be tried again\n"
    assert answer("queue", "redrive", mind, "dead") == {"channel": "dead", "messages": 2}
    assert [one["payload"] for one in answer("queue", "claim", mind, "jobs", "-n", "9")] == [1, 2, 3, 4, 5]


def test_purge_deletes_and_asks_at_a_terminal(mind, monkeypatch):
    run("queue", "publish", mind, "jobs", *"123")
    run("queue", "claim", mind, "jobs")
    assert run("queue", "purge", mind, "jobs", "--state", "claimed").stdout == "1 message of 'jobs' is gone\n"
    asked: list[str] = []
    monkeypatch.setattr("neurograph.cli.queue_care._at_terminal", lambda: True)
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text))
    assert run("queue", "purge", mind, "jobs", code=1).stderr == "left alone\n"
    assert asked == ["delete 2 messages of 'jobs'?"]
    assert answer("queue", "purge", mind, "jobs", "--yes") == {"channel": "jobs", "messages": 2}
    assert answer("queue", "stats", mind)[0]["ready"] == 0


def test_tail_shows_the_last_and_leaves_them(mind):
    run("queue", "publish", mind, "jobs", "1", "2", "3")
    run("queue", "publish", mind, "mails", '"a\\nb"', "--header", "trace=t")
    shown = run("queue", "tail", mind, "jobs", "mails", "none", "-n", "3", "--timeout", "0")
    assert shown.stdout == '2  jobs  2\n3  jobs  3\n4  mails  "a\\nb"\n'
    assert shown.stderr == "no channel has the name 'none' yet; what comes is shown\n"
    [line] = run("queue", "tail", mind, "mails", "--timeout", "0", "--json").stdout.splitlines()
    told = json.loads(line)
    assert (told["id"], told["state"], told["headers"], told["payload"]) == (4, "ready", {"trace": "t"}, "a\nb")
    assert run("queue", "tail", mind, "jobs", "-n", "0", "--timeout", "0").stdout == ""
    assert answer("queue", "stats", mind, "jobs")[0]["ready"] == 3


def test_tail_follows_what_other_processes_publish(mind):
    with start("queue", "tail", mind, "jobs", "--json", "--timeout", "60") as child, neurograph.open(mind) as db:
        assert child.stderr.readline() == "no channel has the name 'jobs' yet; what comes is shown\n"
        for number in range(3):
            db.queue.publish("jobs", number)
            assert json.loads(child.stdout.readline())["payload"] == number
        child.terminate()
        ended(child)


def test_tail_misses_nothing_that_is_published_between_two_of_its_channels(mind, monkeypatch):
    with neurograph.open(mind) as db:
        db.queue.publish("a", "before")

        def listed(self, channel, **options):
            found = list_(self, channel, **options)
            if channel == "a" and not db.queue.stats_of_all()[1:]:
                db.queue.publish("a", "first")
                db.queue.publish("b", "second")
            return found

        list_ = Looking.list
        monkeypatch.setattr(Looking, "list", listed)
        shown = run("queue", "tail", mind, "a", "b", "--timeout", "0.2").stdout
    assert shown == '1  a  "before"\n2  a  "first"\n3  b  "second"\n'


def test_tail_shows_dead_letters_when_they_die(mind):
    with neurograph.open(mind) as db:
        db.queue.create_channel("jobs", attempts=1, dead_letter="dead")
        db.queue.publish_many("jobs", [1, 2, 3])
        first, second, third = db.queue.claim("jobs", 3, lease_s=600)
        db.queue.nack(third, "broken")
        with start("queue", "tail", mind, "dead", "--timeout", "60") as child:
            assert child.stdout.readline() == "3  dead  3\n"
            db.queue.nack(second, "broken")
            assert child.stdout.readline() == "2  dead  2\n"
            [again] = db.queue.claim("dead", 1)  # one that fails as a dead letter has not come again
            db.queue.nack(again, "broken", delay_s=0)
            db.queue.nack(first, "broken")
            assert child.stdout.readline() == "1  dead  1\n"
            db.queue.publish("dead", 4)
            assert child.stdout.readline() == "4  dead  4\n"
            child.terminate()
            assert ended(child)[0] == ""


def test_a_file_is_made_by_publish_alone_and_not_for_a_message_that_is_refused(tmp_path: Path):
    path = tmp_path / "new.ngdb"
    refusal("queue", "claim", path, "jobs")
    refusal("queue", "publish", path, "jobs", "NaN")
    assert not path.exists()
    run("queue", "publish", path, "jobs", "1")
    refusal("queue", "publish", path, "jobs", "NaN")
    assert run("queue", "stats", path).stdout.splitlines()[2].split()[:2] == ["jobs", "1"]


def test_a_file_without_channels_says_so(mind):
    assert run("queue", "stats", mind).stderr == "no channel is there\n"


def test_the_group_alone_shows_its_help():
    assert "ngdb queue publish mind.ngdb jobs" in run("queue", code=2).stderr
