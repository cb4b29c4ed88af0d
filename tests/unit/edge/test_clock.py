"""The machine's clocks, and the fake that stands for them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from smartcam.contract.times import NS_PER_S
from smartcam.edge import clock as clock_module
from smartcam.edge.clock import Clock, SystemClock
from tests.fakes.clock import FakeClock


def test_utc_is_the_time_of_the_machine() -> None:
    assert abs(SystemClock().utc() - time.time_ns()) < NS_PER_S


def test_monotonic_is_one_clock_for_all_processes() -> None:
    program = "from smartcam.edge.clock import SystemClock; print(SystemClock().monotonic(), SystemClock().boot_id())"
    before = SystemClock().monotonic()
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    mono, boot = answer.stdout.split()
    assert before < int(mono) < SystemClock().monotonic()
    assert boot == SystemClock().boot_id()


def test_without_a_boot_id_no_two_processes_share_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clock_module, "_BOOT_ID", tmp_path / "absent")
    assert SystemClock().boot_id() != SystemClock().boot_id()


class _Kernel:
    def __init__(self, answer: int, status: int) -> None:
        self.answer = answer
        self.status = status

    def adjtimex(self, reference: object) -> int:
        timex = reference._obj  # type: ignore[attr-defined]
        assert timex.modes == 0, "it must only ask"
        timex.status = self.status
        return self.answer


@pytest.mark.parametrize(
    ("answer", "status", "stamp", "expected"),
    [
        pytest.param(0, 0x2001, False, True, id="the kernel is synchronised"),
        pytest.param(5, 0x0040, True, False, id="the kernel is not, whatever a stamp says"),
        pytest.param(-1, 0, True, True, id="the kernel is silent and timesyncd has left its stamp"),
        pytest.param(-1, 0, False, False, id="nobody knows"),
    ],
)
def test_who_says_that_the_clock_is_synchronised(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: int, status: int, *, stamp: bool, expected: bool
) -> None:
    clock = SystemClock()
    monkeypatch.setattr(clock, "_libc", _Kernel(answer, status))
    monkeypatch.setattr(clock_module, "_TIMESYNCD_STAMP", tmp_path / "synchronized")
    if stamp:
        (tmp_path / "synchronized").touch()
    assert clock.synced() is expected


def test_the_real_kernel_gives_an_answer() -> None:
    assert SystemClock().synced() in {True, False}


def test_a_fake_clock_moves_both_clocks_and_a_step_moves_one() -> None:
    fake = FakeClock()
    clock: Clock = fake
    utc, mono = clock.utc(), clock.monotonic()
    fake.advance(1.5)
    assert (clock.utc() - utc, clock.monotonic() - mono) == (1.5 * NS_PER_S, 1.5 * NS_PER_S)
    fake.step_utc(-3600)
    assert (clock.utc() - utc, clock.monotonic() - mono) == ((1.5 - 3600) * NS_PER_S, 1.5 * NS_PER_S)


def test_a_reboot_begins_monotonic_anew_under_another_boot_id() -> None:
    fake = FakeClock()
    boot, mono = fake.boot_id(), fake.monotonic()
    fake.reboot(utc_error_s=-7200)
    assert fake.boot_id() != boot
    assert fake.monotonic() < mono
