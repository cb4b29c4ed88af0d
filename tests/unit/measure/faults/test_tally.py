from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from measure.faults.tally import Injection, LastVisit, Told, row, table, tally

NONE = Injection(raised=0, delivered=0, stale=0, lost=0, doubled=0, recovered_s=None)


def told(number: int, began_s: float, kind: str = "anomaly", *, is_stale: bool = False) -> Told:
    return Told(str(number), kind, began_s, is_stale)


def test_what_was_raised_and_never_came_is_lost() -> None:
    found = tally(["1", "2", "3"], [told(1, 0), told(3, 20)], 4.0)
    assert (found.raised, found.delivered, found.lost, found.doubled) == (3, 2, 1, 0)
    assert not found.is_good


def test_an_event_that_is_sent_again_is_one_event() -> None:
    assert tally(["1"], [told(1, 0), told(1, 0)], 4.0) == Injection(1, 1, 0, 0, 0, 4.0)


def test_an_event_that_came_and_is_in_no_log_is_an_event() -> None:
    assert tally([], [told(1, 0)], 4.0).raised == 1


def test_two_events_of_one_visit_are_doubled() -> None:
    found = tally(["1", "2"], [told(1, 10), told(2, 11.5)], 4.0)
    assert (found.doubled, found.is_good) == (1, False)


def test_two_kinds_at_one_time_are_not_doubled() -> None:
    assert tally([], [told(1, 10), told(2, 11, "camera_lost")], 4.0).is_good


def test_a_visit_that_raised_nothing_is_lost_where_the_fault_blinds_nobody() -> None:
    seen = [told(1, 0), told(2, 6), told(3, 18)]
    assert tally([], seen, 4.0, LastVisit(0, 6)).lost == 1
    assert tally([], seen, 4.0, LastVisit(-12, 6)).lost == 2
    assert tally([], seen, 4.0).lost == 0


def test_a_device_that_does_not_come_back_is_not_good() -> None:
    assert not tally(["1"], [told(1, 0)], None).is_good


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 100)), max_size=12), st.sets(st.integers(0, 9)))
def test_every_event_is_delivered_or_lost(came: list[tuple[int, float]], raised: set[int]) -> None:
    found = tally(map(str, raised), [told(number, at) for number, at in came], 1.0)
    assert found.raised == found.delivered + found.lost
    assert found.raised == len(raised | {number for number, _ in came})


def test_a_row_adds_up_what_its_injections_cost() -> None:
    many = [Injection(2, 2, 1, 0, 0, 4.0), Injection(3, 2, 0, 1, 1, 9.0), replace(NONE, recovered_s=5.0)]
    assert row("disk full", many) == "| disk full | 3 | 5 | 4 | 1 | 1 | 1 | 5.0 (9.0) |"
    assert row("disk full", [*many, NONE]).endswith("| 5.0 (9.0), 1 not at all |")
    assert row("disk full", [NONE]).endswith("| -, 1 not at all |")


def test_the_table_leaves_out_what_was_not_injected() -> None:
    assert "flood" not in table({"cut": [NONE], "flood": []})
