"""What the cloud wants, on the device: the newest counts, it is kept, and it ends whatever the clock says."""

import json
import logging
import stat
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ids import CameraId, EventId, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import LARGEST_WANTED_BYTES, NOTHING_WANTED, Arming, Verdict, Wanted
from smartcam.inference.wanted import FILE, HERE_FILE, WantedKeeper, wanted_of_the_device
from tests.fakes.clock import SOME_DAY, FakeClock
from tests.strategies import verdicts

GATE = CameraId("gate")
TOPIC = "smartcam/v1/pi-1/ack"
HOUR_S = 3600


def disarmed(for_s: float | None = None, revision: int = 1, sent_at: UtcNs = SOME_DAY) -> Wanted:
    until = None if for_s is None else UtcNs(sent_at + round(for_s * NS_PER_S))
    return Wanted(revision, sent_at, Arming(armed=False, until=until, revision=revision))


def is_armed(keeper: WantedKeeper) -> bool:
    return keeper.current().armed(GATE, configured=True)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.randoms())
def test_in_whatever_order_and_however_often_they_come_the_newest_counts(revisions: list[int], random: Random) -> None:
    keeper = WantedKeeper(FakeClock())
    words = [replace(disarmed(), revision=revision, more={"N": revision}) for revision in revisions * 2]
    random.shuffle(words)
    for word in words:
        keeper.hear(TOPIC, word.to_json())
    assert keeper.current() == replace(disarmed(), revision=max(revisions), more={"N": max(revisions)})
    assert keeper.revision == max(revisions)


def taken(keeper: WantedKeeper) -> list[str]:
    return list(keeper.takes)


def test_what_the_cloud_takes_is_heard_with_any_message_and_kept(tmp_path: Path) -> None:
    keeper = wanted_of_the_device(FakeClock(), tmp_path)
    assert taken(keeper) == []
    keeper.hear(TOPIC, replace(NOTHING_WANTED, takes=("recorded",)).to_json())
    assert taken(keeper) == taken(wanted_of_the_device(FakeClock(), tmp_path)) == ["recorded"]
    keeper.hear(TOPIC, replace(disarmed(revision=3), takes=("recorded",)).to_json())
    keeper.hear(TOPIC, replace(NOTHING_WANTED, takes=()).to_json())
    assert (taken(keeper), keeper.revision, is_armed(keeper)) == ([], 3, False)


@given(verdicts, verdicts)
def test_verdicts_may_come_beside_wishes_that_are_known_and_those_of_an_older_message_do_not(
    first: tuple[Verdict, ...], later: tuple[Verdict, ...]
) -> None:
    keeper = WantedKeeper(FakeClock())
    known = replace(disarmed(revision=3), verdicts=first)
    for _ in range(2):
        keeper.hear(TOPIC, known.to_json())
    assert keeper.current() == known
    keeper.hear(TOPIC, replace(disarmed(revision=2), verdicts=later).to_json())
    assert keeper.current() == known
    keeper.hear(TOPIC, replace(known, verdicts=later).to_json())
    assert said(keeper) == {one.event_id: one.true for one in (*first, *later)}
    taken_back = tuple(one.event_id for one in later)
    keeper.hear(TOPIC, replace(known, verdicts=(), undone=taken_back).to_json())
    assert said(keeper) == {one.event_id: one.true for one in first if one.event_id not in taken_back}


def said(keeper: WantedKeeper) -> dict[EventId, bool]:
    return {one.event_id: one.true for one in keeper.current().verdicts}


def test_verdicts_survive_a_restart_and_the_end_of_a_wish_and_a_message_without_any(tmp_path: Path) -> None:
    clock, one = FakeClock(), Verdict(new_event_id(SOME_DAY, bytes(10)), true=False)
    keeper = wanted_of_the_device(clock, tmp_path)
    keeper.hear(TOPIC, replace(disarmed(for_s=60), verdicts=(one,)).to_json())
    clock.advance(61)
    assert is_armed(keeper)
    assert keeper.current().verdicts == wanted_of_the_device(clock, tmp_path).current().verdicts == (one,)
    keeper.hear(TOPIC, disarmed(revision=2).to_json())
    assert wanted_of_the_device(clock, tmp_path).current().verdicts == (one,)


@pytest.mark.parametrize("damage", [None, b"", b"half a fi"])
def test_what_an_earlier_release_has_kept_of_the_clouds_verdicts_is_taken_over(
    tmp_path: Path, damage: bytes | None
) -> None:
    one = Verdict(new_event_id(SOME_DAY, bytes(10)), true=False)
    keeper = wanted_of_the_device(FakeClock(), tmp_path)
    keeper.hear(TOPIC, replace(disarmed(), verdicts=(one,)).to_json())
    keeper.arm(GATE, armed=True)
    if damage is None:
        (tmp_path / HERE_FILE).unlink()
    else:
        (tmp_path / HERE_FILE).write_bytes(damage)
    assert wanted_of_the_device(FakeClock(), tmp_path).current() == replace(disarmed(), verdicts=(one,))


def test_what_was_said_here_survives_a_restart_and_ends_on_time_whatever_the_clock_says(tmp_path: Path) -> None:
    clock = FakeClock()
    keeper = wanted_of_the_device(clock, tmp_path)
    keeper.hear(TOPIC, disarmed().to_json())
    keeper.arm(GATE, armed=True, until=UtcNs(clock.utc() + HOUR_S * NS_PER_S))
    assert stat.S_IMODE((tmp_path / HERE_FILE).stat().st_mode) == 0o600
    later = FakeClock()
    later.step_utc(-30 * 24 * HOUR_S)
    again = wanted_of_the_device(later, tmp_path)
    later.advance(HOUR_S - 1)
    assert (is_armed(keeper), is_armed(again)) == (True, True)
    later.advance(1)
    assert not is_armed(again)
    assert not is_armed(wanted_of_the_device(clock, tmp_path))


def test_a_verdict_that_cannot_be_read_is_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    keeper = WantedKeeper(FakeClock())
    with caplog.at_level(logging.WARNING):
        for revision in (1, 2, 3):
            message = disarmed(revision=revision).document() | {"verdicts": [{"event_id": "x"}, 7]}
            keeper.hear(TOPIC, json.dumps(message).encode())
    assert (keeper.revision, is_armed(keeper), keeper.verdicts_left_out) == (3, False, 6)
    assert caplog.text.count("verdicts_unreadable") == 1


def test_it_survives_a_restart_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    clock = FakeClock()
    wanted_of_the_device(clock, tmp_path).hear(TOPIC, disarmed(revision=7).to_json())
    again = wanted_of_the_device(clock, tmp_path)
    assert (again.revision, is_armed(again)) == (7, False)
    again.hear(TOPIC, NOTHING_WANTED.to_json())
    assert not is_armed(again)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_what_cannot_be_read_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    keeper = WantedKeeper(FakeClock())
    keeper.hear(TOPIC, disarmed().to_json())
    keeper.hear(TOPIC, b'{"schema": 9}')
    assert "wanted_unreadable" in caplog.text
    assert (keeper.revision, is_armed(keeper)) == (1, False)


@pytest.mark.parametrize("content", [b"", b"half a fi", b"\0\0\0\0{}"])
def test_a_memory_that_is_damaged_leaves_it_to_the_cloud_to_say_it_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert wanted_of_the_device(FakeClock(), tmp_path).current() == NOTHING_WANTED


def test_a_full_disk_keeps_nobody_from_disarming(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeper = wanted_of_the_device(FakeClock(), tmp_path / "gone")
    keeper.hear(TOPIC, disarmed().to_json())
    assert "wanted_not_kept" in caplog.text
    assert not is_armed(keeper)


def test_it_ends_when_the_clock_says_so_also_after_a_week_in_which_nothing_ran(tmp_path: Path) -> None:
    clock = FakeClock()
    keeper = wanted_of_the_device(clock, tmp_path)
    keeper.hear(TOPIC, disarmed(2 * HOUR_S).to_json())
    clock.advance(2 * HOUR_S - 1)
    assert not is_armed(keeper)
    assert not is_armed(wanted_of_the_device(clock, tmp_path))
    clock.advance(1)
    assert is_armed(keeper)
    assert (keeper.revision, is_armed(wanted_of_the_device(clock, tmp_path))) == (1, True)


def test_a_device_whose_clock_is_behind_ends_it_on_time_all_the_same() -> None:
    clock = FakeClock()
    clock.step_utc(-30 * 24 * HOUR_S)
    keeper = WantedKeeper(clock)
    keeper.hear(TOPIC, disarmed(2 * HOUR_S).to_json())
    clock.advance(2 * HOUR_S - 1)
    assert not is_armed(keeper)
    clock.advance(1)
    assert is_armed(keeper)


def test_after_a_power_cut_without_a_network_it_lasts_no_longer_than_its_whole_length_again(tmp_path: Path) -> None:
    before = FakeClock()
    wanted_of_the_device(before, tmp_path).hear(TOPIC, disarmed(2 * HOUR_S).to_json())
    clock = FakeClock()
    clock.step_utc(-HOUR_S)
    keeper = wanted_of_the_device(clock, tmp_path)
    clock.advance(2 * HOUR_S - 1)
    assert not is_armed(keeper)
    clock.advance(1)
    assert is_armed(keeper)


def test_what_has_ended_does_not_begin_again_when_the_clock_is_behind_after_a_power_cut(tmp_path: Path) -> None:
    clock = FakeClock()
    keeper = wanted_of_the_device(clock, tmp_path)
    keeper.hear(TOPIC, disarmed(HOUR_S).to_json())
    clock.advance(HOUR_S)
    assert is_armed(keeper)
    assert is_armed(wanted_of_the_device(FakeClock(), tmp_path))


def test_what_is_too_large_to_be_kept_is_acted_on_and_ends_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    keeper = wanted_of_the_device(clock, tmp_path)
    message = disarmed(for_s=60).document() | {"later": "x" * LARGEST_WANTED_BYTES}
    keeper.hear(TOPIC, json.dumps(message).encode())
    assert not is_armed(keeper)
    clock.advance(61)
    assert is_armed(keeper)
    assert "wanted_not_kept" in caplog.text
