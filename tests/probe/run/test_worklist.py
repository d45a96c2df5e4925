"""What becomes of the targets of one run: each stands in one list, and counts once."""

from __future__ import annotations

from probe.run.targets import Target
from probe.run.worklist import TRIES, Worklist

OLD = [Target(f"80.231.1.{n}", f"80.231.1.{n}", "a test") for n in range(1, 6)]
NEW = [Target(f"2001:5a0:1::{n}", f"2001:5a0:1::{n}", "a test") for n in range(1, 4)]


def of(*targets: Target) -> Worklist:
    work = Worklist()
    work.replace(targets)
    return work


def test_a_target_is_settled_once_and_not_listed_again() -> None:
    """Once the country is known all is listed anew, and what was measured stays measured."""
    work = of(*OLD)
    work.begin(OLD[0])
    work.settle(OLD[0].address)
    work.replace([*OLD, *NEW])
    assert list(work.todo.values()) == [*OLD[1:], *NEW]
    assert (work.traces, work.in_flight) == (len(OLD + NEW), {})


def test_a_skipped_target_makes_no_trace() -> None:
    """Nobody waits for it, though it is over and done with."""
    work = of(*OLD)
    work.skip(OLD[0].address)
    assert work.traces == len(OLD) - 1
    assert work.unreached == OLD[1:]


def test_a_limit_counts_what_is_settled_and_put_off() -> None:
    """Of eight targets one is measured and three wait: a limit of five leaves room for one."""
    work = of(*OLD, *NEW)
    work.settle(OLD[0].address)
    work.put_off_over({6})
    work.shorten(5)
    assert list(work.todo.values()) == OLD[1:2]
    assert work.traces == 5


def test_what_is_put_off_comes_last_and_in_order() -> None:
    """It was not reached before that, and is all there is to do then."""
    work = of(*NEW, *OLD)
    work.put_off_over({6})
    assert work.unreached == [*NEW, *OLD]
    for target in OLD:
        work.settle(target.address)
    work.take_up()
    assert (list(work.todo.values()), work.put_off) == (NEW, {})


def test_a_target_whose_traces_are_interrupted_each_time_is_given_up() -> None:
    """Until then it is begun anew; others in flight with it go by their own count."""
    work = of(*OLD)
    for _ in range(TRIES - 1):
        work.begin(OLD[0])
        assert work.drop_in_flight() == (1, 0)
    work.begin(OLD[0])
    work.begin(OLD[1])
    assert work.drop_in_flight() == (1, 1)
    assert (list(work.todo.values()), work.in_flight) == (OLD[1:], {})


def test_a_measured_target_can_be_traced_to_once_more() -> None:
    """Also where the run had come to its end; one that is still to be done stays where it is."""
    work = of(*OLD[:2])
    work.settle(OLD[0].address)
    work.reopen(OLD[0].address)
    work.reopen(OLD[1].address)
    assert list(work.todo.values()) == [OLD[1], OLD[0]]


def test_what_the_budget_does_not_carry_was_not_reached() -> None:
    """It is given up with what is in flight, and the next run begins with it."""
    work = of(*OLD)
    work.settle(OLD[0].address)
    work.begin(OLD[1])
    assert work.give_up_unaffordable() == len(OLD) - 1
    assert (work.todo, work.in_flight, work.unreached) == ({}, {}, OLD[1:])
    assert work.traces == len(OLD)
