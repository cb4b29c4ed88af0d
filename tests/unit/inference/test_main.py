import os
import subprocess
import sys
from pathlib import Path

import pytest

from smartcam.contract.errors import OutboxError
from smartcam.contract.ids import RANDOM_BYTES_OF_AN_EVENT_ID, event_id
from smartcam.edge.clock import SystemClock
from smartcam.edge.command_line import THING_VARIABLE
from smartcam.edge.outbox.outbox import Outbox, OutboxCounts
from smartcam.inference.main import build, fresh_event_id, main, outbox_health
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import SOME_DAY
from tests.unit.edge.outbox.sample import event
from tests.unit.inference.stage import THING


def test_without_a_thing_the_call_is_refused_with_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(THING_VARIABLE, raising=False)
    assert main([]) == 2
    assert THING_VARIABLE in capsys.readouterr().err


def test_outside_of_a_nucleus_the_call_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(THING_VARIABLE, THING)
    for name in ("SVCUID", "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 2
    assert "nucleus" in capsys.readouterr().err


def test_a_document_without_a_check_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--configuration", "d.json"])
    assert "--configuration goes with --check" in capsys.readouterr().err


def test_the_current_folder_is_no_bundle_that_is_not_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--once"]) == 1
    assert "no bundle is named: give --bundle" in capsys.readouterr().err


def test_help_names_the_bundle() -> None:
    called = [sys.executable, "-m", "smartcam.inference.main", "--help"]
    done = subprocess.run(called, capture_output=True, text=True, check=True, timeout=60, env=dict(os.environ))
    assert "--bundle" in done.stdout


def test_the_component_is_a_service_a_sender_and_a_sign_of_life(tmp_path: Path) -> None:
    bus = FakeNucleus().bus("smartcam.Inference")
    outbox = Outbox(tmp_path / "outbox.sqlite3", SystemClock())
    services = build(THING, None, tmp_path, bus, outbox)
    assert [name for name, _ in services] == ["inference", "sender", "health", "uploader", "clip_uploader"]


class Uncountable(Outbox):
    """An outbox whose disk gives nothing."""

    def counts(self) -> OutboxCounts:
        raise OutboxError("disk I/O error")


def test_an_outbox_that_cannot_be_counted_is_not_said_to_be_empty(tmp_path: Path) -> None:
    assert outbox_health(Uncountable(tmp_path / "outbox.sqlite3", SystemClock())).waiting is None


def test_health_says_what_a_damaged_outbox_has_cost(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite3").write_bytes(b"garbage" * 1000)
    outbox = Outbox(tmp_path / "outbox.sqlite3", SystemClock())
    outbox.put(event(1))
    health = outbox_health(outbox)
    outbox.close()
    assert health.waiting == 1
    assert health.unreadable > 0


def test_ids_are_never_the_same() -> None:
    ids = {fresh_event_id(SOME_DAY) for _ in range(50)}
    assert len(ids) == 50
    assert all(event_id(item) for item in ids)
    assert RANDOM_BYTES_OF_AN_EVENT_ID == 10
