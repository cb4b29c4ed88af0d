"""The outbox at its limits: how much it hands out, how large a state may be, and how it names what it lets go."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Phase
from smartcam.edge.outbox.outbox import Outbox, OutboxLimits
from tests.fakes.clock import FakeClock
from tests.unit.edge.outbox.sample import accepted, episode, event, key, waiting

LIMITS = OutboxLimits(max_age_s=100)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def opened(tmp_path: Path, clock: FakeClock) -> Iterator[Callable[[], Outbox]]:
    boxes: list[Outbox] = []

    def again() -> Outbox:
        for box in boxes:
            box.close()
        boxes.append(Outbox(tmp_path / "outbox.sqlite", clock, LIMITS, random=lambda: 1.0))
        return boxes[-1]

    yield again
    for box in boxes:
        box.close()


@pytest.fixture
def outbox(opened: Callable[[], Outbox]) -> Outbox:
    return opened()


def spoil(outbox: Outbox, statement: str) -> None:
    connection = outbox._database.connection
    assert connection is not None
    connection.execute(statement)


def test_sixteen_events_are_handed_out_at_once(outbox: Outbox) -> None:
    for number in range(20):
        outbox.put(event(number))
    assert len(outbox.due()) == 16


def test_a_clock_far_ahead_that_nobody_trusts_lets_no_event_go(opened: Callable[[], Outbox], clock: FakeClock) -> None:
    opened().put(event(1))
    clock.reboot(utc_error_s=10**7)
    clock.is_synced = False
    assert waiting(opened()) == [key(event(1))]


def test_ages_are_whole_milliseconds(outbox: Outbox, clock: FakeClock) -> None:
    outbox.put(event(1), episode(1))
    clock.advance(0.0025)
    (kept,) = outbox.open_episodes()
    assert (repr(outbox.counts().oldest_ms), repr(kept.age_ms)) == ("2", "2")


def test_what_was_too_old_is_named_up_to_five(
    outbox: Outbox, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(7):
        outbox.put(event(number))
    clock.advance(101)
    assert outbox.due() == []
    names = ",".join(f"{event(number).event_id}/raised" for number in range(5))
    assert [record.message for record in caplog.records] == [f"outbox_dropped reason=age count=7 events={names}"]
    assert outbox.counts().dropped_by_age == 7


def test_what_the_cloud_refused_is_named_in_the_log(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    outbox.put(event(1))
    outbox.acknowledge(Acknowledgement(event(1).event_id, Phase.RAISED, AckStatus.REFUSED, "nonsense"))
    (record,) = caplog.records
    expected = f"event_refused event_id={event(1).event_id} phase=raised reason=nonsense"
    assert (record.levelno, record.message) == (logging.ERROR, expected)


def test_a_state_may_have_4096_bytes_and_no_more(outbox: Outbox) -> None:
    room = 4096 - len('{"text":""}')
    outbox.put(event(1), episode(1, text="x" * room))
    with pytest.raises(ContractError, match=r"^state: has 4097 bytes, at most 4096 are allowed$"):
        outbox.put(event(2), episode(2, text="x" * (room + 1)))
    with pytest.raises(ContractError, match=r"^state: has 4097 bytes"):
        outbox.put_episode(episode(2, text="x" * (room + 1)))
    assert [kept.key for kept in outbox.open_episodes()] == ["track-1"]


def test_a_state_is_stored_without_blanks_and_with_its_seal(outbox: Outbox) -> None:
    outbox.put(event(1), episode(1, one=[1, 2], two=None))
    connection = outbox._database.connection
    assert connection is not None
    assert connection.execute("SELECT state FROM episodes").fetchall() == [
        ('{"one":[1,2],"two":null,"seal":425485193}',)
    ]


def test_a_state_that_is_no_json_is_a_mistake_and_stores_nothing(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        outbox.put(event(1), episode(1, score=float("nan")))
    assert outbox.counts().waiting == outbox.counts().episodes == 0


def test_an_episode_that_cannot_be_read_is_named_in_the_log(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    outbox.put(event(1), episode(1))
    spoil(outbox, "UPDATE episodes SET state = '[]'")
    assert outbox.open_episodes() == []
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.message == f'episode_unreadable event_id={event(1).event_id} error="state: must be a JSON object"'


def test_an_event_that_cannot_be_read_is_let_go_by_any_acknowledgement(outbox: Outbox) -> None:
    outbox.put(replace(event(1), revision=3))
    spoil(outbox, "UPDATE waiting SET payload = '['")
    assert outbox.acknowledge(accepted(event(1)))
    assert outbox.counts().waiting == 0


def test_an_unreadable_row_leaves_with_its_reason_and_is_handed_out_no_more(outbox: Outbox) -> None:
    outbox.put(event(1))
    spoil(outbox, "UPDATE waiting SET payload = '['")
    assert outbox.due() == []
    assert outbox.counts().waiting == 0
    (refused,) = outbox.refused()
    assert (refused.event_id, refused.phase) == key(event(1))
    assert refused.reason.startswith("cannot be read: ")
    assert outbox.due() == []
    assert outbox.counts().refused == 1


def test_an_event_has_room_for_the_longest_age_and_an_untrusted_clock(outbox: Outbox, clock: FakeClock) -> None:
    longest = replace(event(1), age_ms=2**53, clock_synced=False, more={"note": ""})
    room = 4096 - len(longest.to_json())
    outbox.put(replace(event(1), more={"note": "x" * room}))
    with pytest.raises(ContractError, match="at most 4096"):
        outbox.put(replace(event(2), more={"note": "x" * (room + 1)}))
    clock.is_synced = False
    assert len(outbox.due()) == 1


def test_who_brings_an_episode_beside_a_cleared_event_is_told_so(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match=r"^a cleared event ends its episode and brings none$"):
        outbox.put(event(1, Phase.CLEARED), episode(1))
