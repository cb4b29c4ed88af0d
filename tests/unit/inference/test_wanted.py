"""What the cloud wants, on the device: the newest counts, it is kept, and it ends whatever the clock says."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wanted import LARGEST_WANTED_BYTES, NOTHING_WANTED, Arming, Wanted
from smartcam.inference.wanted import FILE, WantedKeeper, wanted_of_the_cloud
from tests.fakes.clock import SOME_DAY, FakeClock

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


def test_it_survives_a_restart_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    clock = FakeClock()
    wanted_of_the_cloud(clock, tmp_path).hear(TOPIC, disarmed(revision=7).to_json())
    again = wanted_of_the_cloud(clock, tmp_path)
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
    assert wanted_of_the_cloud(FakeClock(), tmp_path).current() == NOTHING_WANTED


def test_a_full_disk_keeps_nobody_from_disarming(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeper = wanted_of_the_cloud(FakeClock(), tmp_path / "gone")
    keeper.hear(TOPIC, disarmed().to_json())
    assert "wanted_not_kept" in caplog.text
    assert not is_armed(keeper)


def test_it_ends_when_the_clock_says_so_also_after_a_week_in_which_nothing_ran(tmp_path: Path) -> None:
    clock = FakeClock()
    keeper = wanted_of_the_cloud(clock, tmp_path)
    keeper.hear(TOPIC, disarmed(2 * HOUR_S).to_json())
    clock.advance(2 * HOUR_S - 1)
    assert not is_armed(keeper)
    assert not is_armed(wanted_of_the_cloud(clock, tmp_path))
    clock.advance(1)
    assert is_armed(keeper)
    assert (keeper.revision, is_armed(wanted_of_the_cloud(clock, tmp_path))) == (1, True)


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
    wanted_of_the_cloud(before, tmp_path).hear(TOPIC, disarmed(2 * HOUR_S).to_json())
    clock = FakeClock()
    clock.step_utc(-HOUR_S)
    keeper = wanted_of_the_cloud(clock, tmp_path)
    clock.advance(2 * HOUR_S - 1)
    assert not is_armed(keeper)
    clock.advance(1)
    assert is_armed(keeper)


def test_what_has_ended_does_not_begin_again_when_the_clock_is_behind_after_a_power_cut(tmp_path: Path) -> None:
    clock = FakeClock()
    keeper = wanted_of_the_cloud(clock, tmp_path)
    keeper.hear(TOPIC, disarmed(HOUR_S).to_json())
    clock.advance(HOUR_S)
    assert is_armed(keeper)
    assert is_armed(wanted_of_the_cloud(FakeClock(), tmp_path))


def test_what_is_too_large_to_be_kept_is_acted_on_and_ends_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    keeper = wanted_of_the_cloud(clock, tmp_path)
    message = disarmed(for_s=60).document() | {"later": "x" * LARGEST_WANTED_BYTES}
    keeper.hear(TOPIC, json.dumps(message).encode())
    assert not is_armed(keeper)
    clock.advance(61)
    assert is_armed(keeper)
    assert "wanted_not_kept" in caplog.text
