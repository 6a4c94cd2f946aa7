"""Versions, quorums, and what a replica may promise: one rule a test."""

from __future__ import annotations

import pytest

from resilkit.apps.store.broken import EarlyAck
from resilkit.apps.store.coordination import Coordination, Done, Failed, Send
from resilkit.apps.store.protocol import (
    ABSENT,
    Answer,
    Fetch,
    Hello,
    Query,
    QuorumCall,
    Store,
    Welcome,
)
from resilkit.apps.store.registers import Joining, Registers

from .world import Disk

REPLICAS = ["a", "b", "c"]
FIVE = ["a", "b", "c", "d", "e"]


def answer(
    replica, version=ABSENT, value=None, *, request="1", epoch=0, crashes=None, durable=True
):
    return Answer(request, replica, epoch, crashes or {}, version, value, durable)


def replies(actions, *answers):
    """Answers to the one request that `actions` send."""
    (send,) = [action for action in actions if isinstance(action, Send)]
    return send, [each._replace(request=send.message.request) for each in answers]


def feed(rules, actions, *answers, now=0.0):
    _, addressed = replies(actions, *answers)
    result = []
    for each in addressed:
        result.extend(rules.answered(each, now))
    return result


def empty(name, life=""):
    """A replica that is there and does not serve."""
    return Registers(name, Disk(), life or f"{name}1")


def served(name):
    """A replica that serves, and did not begin the system in this life."""
    registers = empty(name)
    registers.serve(0)
    registers.founder = False
    return registers


class TestQuorumCall:
    def test_counts_a_replica_once_however_often_it_answers(self):
        call = QuorumCall(REPLICAS)
        assert not call.add(answer("a"))
        assert not call.add(answer("a"))
        assert call.add(answer("b"))

    def test_drops_an_answer_from_before_its_speaker_lost_its_disk(self):
        call = QuorumCall(REPLICAS)
        assert not call.add(answer("b"))
        assert not call.add(answer("c", crashes={"b": 1}))
        assert call.silent() == ["a", "b"]
        assert call.add(answer("b", epoch=1))

    def test_an_old_answer_that_arrives_late_does_not_displace_a_newer_one(self):
        call = QuorumCall(REPLICAS)
        call.add(answer("b", epoch=1))
        assert call.add(answer("c", crashes={"b": 1}))
        assert call.add(answer("b", epoch=0))


class TestCoordination:
    def test_a_put_takes_the_version_after_the_highest_and_ends_on_a_majority(self):
        rules = Coordination("w", REPLICAS)
        asked = rules.put("token", "k", "new", 0.0)
        stores = feed(rules, asked, answer("a", (4, "x"), "old"), answer("c", (7, "x"), "old"))
        send, _ = replies(stores)
        assert send.message.version[0] == 8
        assert send.message.value == "new"
        assert feed(rules, stores, answer("b", send.message.version)) == []
        done = feed(rules, stores, answer("c", send.message.version))
        assert done == [Done("token", send.message.version, "new")]
        assert len(rules) == 0

    def test_two_puts_at_once_to_one_key_never_share_a_version(self):
        rules = Coordination("w", REPLICAS)
        first, second = rules.put("1", "k", 1, 0.0), rules.put("2", "k", 2, 0.0)
        quorum = answer("a", (4, "x")), answer("b", (4, "x"))
        versions = {
            replies(feed(rules, asked, *quorum))[0].message.version for asked in (first, second)
        }
        assert len(versions) == 2

    def test_two_lives_of_one_coordinator_never_share_a_version(self):
        versions = set()
        for life in ("n1.1", "n1.2"):
            rules = Coordination(life, REPLICAS)
            stores = feed(rules, rules.put("t", "k", life, 0.0), answer("a"), answer("b"))
            versions.add(replies(stores)[0].message.version)
        assert len(versions) == 2

    def test_a_get_of_a_value_on_a_minority_stores_it_back_first(self):
        rules = Coordination("w", REPLICAS)
        asked = rules.get("token", "k", 0.0)
        stores = feed(rules, asked, answer("a", (4, "x"), "old"), answer("b", (5, "x"), "new"))
        send, _ = replies(stores)
        assert send.message.value == "new"
        assert send.replicas == ["a", "c"], "b has it on disk already"
        assert feed(rules, stores, answer("a", (5, "x"))) == [Done("token", (5, "x"), "new")]

    def test_a_get_of_a_value_on_a_majority_ends_at_once(self):
        rules = Coordination("w", REPLICAS)
        both = answer("a", (5, "x"), "v"), answer("b", (5, "x"), "v")
        assert feed(rules, rules.get("t", "k", 0.0), *both) == [Done("t", (5, "x"), "v")]

    def test_a_get_does_not_trust_what_is_not_on_disk(self):
        rules = Coordination("w", REPLICAS)
        asked = rules.get("t", "k", 0.0)
        stores = feed(
            rules, asked, answer("a", (5, "x"), "v", durable=False), answer("b", (5, "x"), "v")
        )
        assert replies(stores)[0].replicas == ["a", "c"]

    def test_a_late_answer_to_the_question_does_not_count_as_stored(self):
        rules = Coordination("w", REPLICAS)
        asked = rules.put("t", "k", "v", 0.0)
        feed(rules, asked, answer("a"), answer("b"))
        assert feed(rules, asked, answer("c"), answer("a"), answer("b")) == []
        assert len(rules) == 1

    def test_the_silent_are_asked_again(self):
        rules = Coordination("w", REPLICAS, timeout=1.0, resend=0.1)
        asked = rules.put("t", "k", "v", 0.0)
        feed(rules, asked, answer("a"))
        assert rules.expire(0.05) == []
        assert rules.expire(0.1) == [Send(asked[0].message, ["b", "c"])]

    def test_a_replica_that_returns_is_asked_at_once_what_it_has_not_answered(self):
        rules = Coordination("w", REPLICAS)
        asked = rules.put("t", "k", "v", 0.0)
        feed(rules, asked, answer("a"))
        assert rules.returned("a") == []
        assert rules.returned("c") == [Send(asked[0].message, ["c"])]

    def test_the_silent_are_asked_less_and_less_often(self):
        rules = Coordination("w", REPLICAS, timeout=10.0, resend=0.125)
        rules.put("t", "k", "v", 0.0)
        repeats = [step / 64 for step in range(128) if rules.expire(step / 64)]
        assert repeats == [0.125, 0.375, 0.875, 1.875]

    def test_replicas_that_are_slow_by_habit_are_given_their_time(self):
        rules = Coordination("w", REPLICAS, timeout=10.0, resend=0.1)
        for _ in range(50):
            feed(rules, rules.get("t", "k", 0.0), answer("a"), answer("b"), now=0.5)
        rules.get("t", "k", 0.0)
        assert rules.expire(0.9) == []
        assert len(rules.expire(1.0)) == 1

    @pytest.mark.parametrize(
        ("kind", "stored", "definite"),
        [("put", False, True), ("put", True, False), ("get", False, True), ("get", True, True)],
    )
    def test_a_failure_says_whether_there_may_have_been_an_effect(self, kind, stored, definite):
        rules = Coordination("w", REPLICAS, timeout=1.0)
        asked = rules.put("t", "k", "v", 0.0) if kind == "put" else rules.get("t", "k", 0.0)
        if stored:
            feed(rules, asked, answer("a", (1, "x"), "v"), answer("b"))
        (failed,) = rules.expire(1.0)
        assert isinstance(failed, Failed)
        assert failed.definite is definite
        assert len(rules) == 0

    def test_alone_it_ends_at_once_what_can_end_without_doubt(self):
        rules = Coordination("w", REPLICAS, timeout=1.0)
        stored = rules.put("stored", "k", "v", 0.0)
        feed(rules, stored, answer("a"), answer("b"))
        rules.put("asked", "k", "v", 0.0)
        (failed,) = rules.expire(0.01, isolated=True)
        assert (failed.token, failed.definite) == ("asked", True)

    def test_the_broken_rules_acknowledge_before_anything_is_sent(self):
        rules = EarlyAck("w", REPLICAS)
        actions = feed(rules, rules.put("t", "k", "v", 0.0), answer("a"), answer("b"))
        assert [type(action) for action in actions] == [Done]
        assert [type(action) for action in rules.expire(0.25)] == [Send]
        assert rules.expire(9.0) == []


class TestRegisters:
    def test_a_store_is_answered_after_the_sync_only(self):
        registers = served("a")
        assert registers.store(Store("1", "k", (1, "w"), "v"), "me") is None
        assert not registers.query(Query("2", "k")).durable
        (promised,) = registers.committed(registers.seal())
        assert promised == ("me", answer("a", (1, "w")))
        assert registers.query(Query("2", "k")).durable

    def test_a_repeated_store_of_what_is_on_disk_is_answered_at_once(self):
        registers = served("a")
        store = Store("1", "k", (1, "w"), "v")
        registers.store(store, "me")
        registers.committed(registers.seal())
        assert registers.store(store, "me") == answer("a", (1, "w"))

    def test_an_older_store_does_not_displace_a_newer_one(self):
        registers = served("a")
        registers.store(Store("1", "k", (2, "w"), "new"), "me")
        registers.store(Store("2", "k", (1, "w"), "old"), "me")
        assert registers.query(Query("3", "k")).value == "new"

    def test_what_is_put_during_a_sync_is_not_called_durable_by_it(self):
        registers = served("a")
        registers.store(Store("1", "k", (1, "w"), "v"), "me")
        batch = registers.seal()
        registers.store(Store("2", "k", (2, "w"), "w"), "me")
        assert [each.request for _, each in registers.committed(batch)] == ["1"]
        assert not registers.query(Query("3", "k")).durable
        assert registers.dirty

    def test_what_a_replica_knows_of_others_that_lost_their_disk_survives_its_crash(self):
        disk = Disk()
        before = Registers("b", disk, "b1")
        before.serve(2, [served("c").snapshot(Fetch("b", "b1", 2))])
        assert before.remember(Fetch("a", "a2", 1))
        assert not before.remember(Fetch("a", "a2", 1)), "no news"
        disk.sync()
        after = Registers("b", disk, "b2")
        spoken = after.query(Query("1", "k"))
        assert (after.serving, spoken.epoch, spoken.crashes) == (True, 2, {"a": 1})


class TestJoining:
    def founded(self, joining, *others):
        return [joining.welcomed(other.welcome(joining.question())) for other in others]

    def test_a_majority_of_empty_disks_that_is_asked_twice_founds_the_system(self):
        joining, b = Joining("a", "a1", REPLICAS), empty("b")
        assert self.founded(joining, b, b) == [False, True]

    def test_an_answer_counts_for_the_round_in_which_it_was_asked(self):
        joining, b = Joining("a", "a1", REPLICAS), empty("b")
        first = b.welcome(joining.question())
        assert [joining.welcomed(first), joining.welcomed(first)] == [False, False]

    def test_disks_that_were_never_empty_at_the_same_time_found_nothing(self):
        joining = Joining("c", "c2", FIVE)
        a, b = empty("a", "a2"), empty("b", "b2")
        assert self.founded(joining, a) == [False]
        a.serve(1, [served("d").snapshot(Fetch("a", "a2", 1))])
        # From here on c does not reach a any more.
        assert self.founded(joining, b, b, b) == [False] * 3

    def test_a_life_that_was_empty_twice_is_one_life(self):
        joining = Joining("a", "a1", REPLICAS)
        lives = [empty("b", "b1"), empty("b", "b2"), empty("b", "b3")]
        assert self.founded(joining, *lives) == [False] * 3
        assert self.founded(joining, lives[-1]) == [True]

    def test_who_was_empty_before_another_began_the_system_is_a_founder_too(self):
        b = empty("b")
        early, late = Joining("a", "a1", REPLICAS), Joining("a", "a2", REPLICAS)
        assert self.founded(early, b) == [False]
        b.serve(0)
        assert self.founded(early, b) == [True]
        assert self.founded(late, b) == [False], "it may have served and lost its disk since"

    def test_a_founder_is_one_in_the_life_in_which_it_began(self):
        disk = Disk()
        joining, b = Joining("a", "a1", REPLICAS), Registers("b", disk, "b1")
        assert self.founded(joining, b) == [False]
        b.serve(0)
        assert self.founded(joining, Registers("b", disk, "b2")) == [False]

    def test_the_first_loss_of_a_disk_is_above_the_epoch_of_the_founders(self):
        joining, b = Joining("a", "a1", REPLICAS), empty("b")
        self.founded(joining, b, b)
        a = empty("a")
        a.serve(joining.epoch)
        again = Joining("a", "a2", REPLICAS)
        self.founded(again, served("b"), served("c"))
        assert again.epoch > a.query(Query("1", "k")).epoch

    def test_among_replicas_that_serve_an_empty_disk_is_a_loss(self):
        joining = Joining("a", "a1", REPLICAS)
        assert self.founded(joining, served("b"), served("c")) == [False, False]
        assert joining.question() == Fetch("a", "a1", 1)

    def test_one_that_serves_is_not_enough_to_go_by(self):
        joining = Joining("a", "a1", REPLICAS)
        assert self.founded(joining, served("b")) == [False]
        assert joining.question() == Hello("a", "a1", 0)

    def test_answers_to_an_earlier_life_do_not_count(self):
        earlier, later = Joining("a", "a1", REPLICAS), Joining("a", "a2", REPLICAS)
        b = empty("b")
        assert later.welcomed(b.welcome(earlier.question())) is False
        assert self.founded(later, b, b) == [False, True]

    def test_it_serves_with_the_highest_of_what_the_others_hold_and_a_new_epoch(self):
        b, c = served("b"), served("c")
        b.store(Store("1", "k", (1, "w"), "old"), "x")
        c.store(Store("2", "k", (2, "w"), "new"), "x")
        joining = Joining("a", "a1", REPLICAS)
        self.founded(joining, b, c)
        fetch = joining.question()
        for other in (b, c):
            assert other.remember(fetch)
            snapshots = joining.fetched(other.snapshot(fetch))
        a = empty("a", "a2")
        a.serve(joining.epoch, snapshots)
        held = a.query(Query("3", "k"))
        assert (held.version, held.value, held.epoch) == ((2, "w"), "new", 1)
        assert held.crashes == {"a": 1}

    def test_an_answer_from_before_the_loss_does_not_make_a_majority_with_one_after_it(self):
        a, b, c = (served(name) for name in REPLICAS)
        rules = Coordination("w", REPLICAS)
        (send,) = feed(
            rules, rules.put("t", "k", "v", 0.0), *(each.query(Query("", "k")) for each in (a, b))
        )
        b.store(send.message, "w")
        before = b.committed(b.seal())[0][1]
        joining = Joining("b", "b2", REPLICAS)  # b loses its disk
        self.founded(joining, a, c)
        fetch = joining.question()
        for other in (a, c):
            other.remember(fetch)
            snapshots = joining.fetched(other.snapshot(fetch))
        b = empty("b", "b2")
        b.serve(joining.epoch, snapshots)
        c.store(send.message, "w")
        after = c.committed(c.seal())[0][1]
        assert rules.answered(before, 0.0) == []
        assert rules.answered(after, 0.0) == [], "only c holds it: one crash would lose it"
        b.store(send.message, "w")
        assert [type(each) for each in rules.answered(b.committed(b.seal())[0][1], 0.0)] == [Done]


def test_a_disk_that_is_lost_again_begins_an_epoch_above_the_last():
    joining = Joining("a", "a:3", REPLICAS)
    for other, known in (("b", 2), ("c", 1)):
        serving = Welcome(other, "a:3", 1, f"{other}:1", True, False, {"a": known})
        assert not joining.welcomed(serving)
    assert joining.question() == Fetch("a", "a:3", 3)
