import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from measure.faults.catalogue import FAULTS
from measure.faults.command import _parser, main, remaining, shifts, suffer_beside
from measure.faults.kept import keep
from measure.faults.tally import Injection
from tests.waiting import until
from tools.command_line import INTERRUPTED, interruptible

DEVICE = """
import pathlib, signal, sys, time
place = pathlib.Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(place.write_text("tidied")))
place.write_text("suffers")
time.sleep(600)
"""
GOOD = Injection(1, 1, 0, 0, 0, 4.5)


@pytest.mark.parametrize("devices", [1, 2, 3, 8])
def test_each_fault_is_played_on_one_device_that_can_suffer_it(devices: int) -> None:
    found = shifts(FAULTS, devices)
    assert sorted(name for _, names in found for name in names) == sorted(FAULTS)
    assert all(FAULTS[name].place == place for place, names in found for name in names)


def test_of_four_devices_two_share_what_needs_none_in_particular() -> None:
    assert [place for place, _ in shifts(FAULTS, 4)] == ["any", "any", "guests", "rtsp"]
    assert [place for place, _ in shifts({"cloud-away": FAULTS["cloud-away"]}, 4)] == ["any"]


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    for _ in range(2):
        keep(tmp_path, "cloud-away", GOOD)
    assert remaining(tmp_path, ["cloud-away", "disk-full"], 3) == ["disk-full", "disk-full", "cloud-away", "disk-full"]


def test_what_has_been_injected_often_enough_is_only_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, "cloud-away", GOOD)
    assert main(["--folder", str(tmp_path), "--fault", "cloud-away", "--times", "1"]) == 0
    assert "| cloud-away | 1 | 1 | 1 | 0 | 0 | 0 | 4.5 (4.5) |" in capsys.readouterr().out


def test_a_loss_of_an_earlier_run_is_a_failure_still(tmp_path: Path) -> None:
    keep(tmp_path, "cloud-away", Injection(2, 1, 0, 1, 0, 4.5))
    assert main(["--folder", str(tmp_path), "--fault", "cloud-away", "--times", "1"]) == 1


def test_devices_find_a_folder_that_was_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _parser().parse_args(["--folder", "build/once"]).folder == tmp_path / "build" / "once"


def test_the_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.split() == list(FAULTS)


def test_a_fault_that_there_is_not_is_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--fault", "meteor"])
    assert ended.value.code == 2


def test_devices_are_asked_to_end_and_no_other_begins_when_their_command_is_ended(tmp_path: Path) -> None:
    """Each tidies up: a device's own processes are in sessions of their own, and its disk is a mount."""
    places = [tmp_path / name for name in "abc"]
    devices = [[sys.executable, "-I", "-S", "-c", DEVICE, str(place)] for place in places]

    def end_it() -> None:
        until(lambda: all(place.exists() for place in places[:2]))
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end_it)
    ending.start()
    assert interruptible("faults", lambda: len(suffer_beside(devices, 2))) == INTERRUPTED
    ending.join()
    assert [place.read_text() for place in places[:2]] == ["tidied"] * 2
    assert not places[2].exists()
