"""Whether a clip is what its device made: what is proven, and what is not."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from infra.alerts.runtime.clip_keys import ClipKeys
from infra.alerts.runtime.ports import AlertState
from smartcam.capture.recording.seal import ClipStatement, Sealer, SealError
from smartcam.contract.errors import ContractError
from smartcam.contract.event import ClipPart, Event, Phase
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc
from smartcam.edge.clip_name import ClipName
from tests.clip_events import YARD, event_id, event_of
from tests.infra.sample import NOON
from tests.unit.capture.recording.test_fragments import WHOLE
from tools.alerts.history import HistoryRecord, Key
from tools.clips import verify
from tools.clips.verify import KnownSince, known_since, main, verified

SEALER = Sealer(bytes(range(32)))
OTHER = Sealer(bytes(32))
NAME = ClipName(event_id(1), YARD, 2)


def clip(folder: Path, sealer: Sealer = SEALER, name: str = str(NAME), content: bytes = WHOLE) -> Path:
    said = ClipStatement(name, "porch", len(content), hashlib.sha256(content).hexdigest(), "2026-03-01T12:00:00.000Z")
    path = folder / "from-a-memory-stick.mp4"
    path.write_bytes(content + sealer.seal(said))
    return path


class FakeRecords:
    """Knows one event, and which keys its device has named until now."""

    def __init__(self, found: HistoryRecord | None, keys: ClipKeys | None = None) -> None:
        self.found, self.keys = found, keys or {}

    def record(self, key: Key) -> HistoryRecord | None:
        assert key == (f"porch/{NAME.camera}", f"event#{NAME.event}")
        return self.found

    def clip_keys(self, thing: str) -> ClipKeys:
        assert thing == "porch"
        return self.keys


def record(path: Path, key: str | None = SEALER.key, part: ClipPart | None = None) -> HistoryRecord:
    """What the cloud knows: the file, unless it is told of another part or key."""
    content = path.read_bytes()
    part = part or ClipPart(2, len(content), hashlib.sha256(content).hexdigest())
    filmed = replace(event_of(1), phase=Phase.RECORDED, clips=(part,), revision=2, clip_key=key)
    found = HistoryRecord(("porch/yard", "event#1"), format_utc(NOON), AlertState.SENT, event_of(1))
    return replace(found, filmed=filmed, filmed_at=format_utc(NOON))


def test_a_clip_that_the_cloud_knows_is_proven_whatever_its_file_is_called(tmp_path: Path) -> None:
    path = clip(tmp_path)
    assert verified(path).name == NAME
    assert known_since(verified(path), "porch", FakeRecords(record(path))) == KnownSince(format_utc(NOON), None)


def test_since_when_the_devices_health_has_named_the_key_is_told_by_what_was_known_with_the_event(
    tmp_path: Path,
) -> None:
    path = clip(tmp_path)
    then = replace(record(path), clip_keys={SEALER.key: UtcNs(NOON - NS_PER_S)})
    found = known_since(verified(path), "porch", FakeRecords(then, {OTHER.key: NOON}))
    assert found == KnownSince(format_utc(NOON), format_utc(UtcNs(NOON - NS_PER_S)))


def test_a_new_key_may_be_named_a_moment_after_the_first_clip_that_it_sealed(tmp_path: Path) -> None:
    path = clip(tmp_path)
    then = replace(record(path), clip_keys={OTHER.key: UtcNs(1)})
    now = FakeRecords(then, {OTHER.key: UtcNs(1), SEALER.key: NOON})
    assert known_since(verified(path), "porch", now).key == format_utc(NOON)


def test_a_clip_whose_key_the_devices_health_has_never_named_is_not_proven(tmp_path: Path) -> None:
    path = clip(tmp_path)
    then = replace(record(path), clip_keys={OTHER.key: NOON})
    with pytest.raises(SealError, match="never named this one"):
        known_since(verified(path), "porch", FakeRecords(then, {OTHER.key: NOON}))


def test_a_clip_from_before_its_device_named_keys_is_proven_by_its_record_though_the_key_is_another_now(
    tmp_path: Path,
) -> None:
    path = clip(tmp_path)
    assert known_since(verified(path), "porch", FakeRecords(record(path), {OTHER.key: NOON})).key is None


def test_what_is_printed_names_both_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clip(tmp_path)
    then = replace(record(path), clip_keys={SEALER.key: UtcNs(NOON - NS_PER_S)})
    for found, said in ((then, "its key since 2026-03-01T11:59:59.000Z"), (record(path), "health names none")):
        monkeypatch.setattr(verify, "_history", lambda found=found: FakeRecords(found))
        assert main([str(path)]) == 0
        printed = capsys.readouterr().out
        assert "the cloud knows it since 2026-03-01T12:00:00.000Z at the latest, from porch itself" in printed
        assert said in printed


@pytest.mark.parametrize(
    ("key", "part", "why"),
    [
        (OTHER.key, None, "another key"),
        (None, None, "another key"),
        (SEALER.key, ClipPart(1, 5, "0" * 64), "other parts"),
        (SEALER.key, ClipPart(2, 5, "0" * 64), "another clip under this name"),
    ],
)
def test_what_the_cloud_knows_otherwise_is_not_proven(
    key: str | None, part: ClipPart | None, why: str, tmp_path: Path
) -> None:
    path = clip(tmp_path)
    with pytest.raises(SealError, match=why):
        known_since(verified(path), "porch", FakeRecords(record(path, key, part)))


def test_what_the_cloud_does_not_know_is_not_proven(tmp_path: Path) -> None:
    path = clip(tmp_path)
    unheard = replace(record(path), filmed=None, filmed_at=None)
    for found in (None, unheard):
        with pytest.raises(SealError, match="knows no clip of this event"):
            known_since(verified(path), "porch", FakeRecords(found))


def test_a_seal_about_something_else_than_a_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SealError, match="no clip"):
        verified(clip(tmp_path, name="../../etc/passwd"))


def test_with_the_key_in_hand_no_cloud_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = clip(tmp_path)
    assert main([str(path), "--key", SEALER.key.upper()]) == 0
    assert main([str(path), "--key", f" {SEALER.key[:32]} {SEALER.key[32:]}"]) == 0
    said = capsys.readouterr().out
    assert "unchanged since porch finished it at 2026-03-01T12:00:00.000Z" in said
    assert f"camera yard, event {NAME.event}, part 2" in said


def test_one_clip_of_several_that_is_not_proven_makes_the_answer_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = clip(tmp_path), tmp_path / "changed.mp4"
    bad.write_bytes(good.read_bytes().replace(b"mdat", b"mdot", 1))
    assert main([str(good), str(bad), "--key", SEALER.key]) == 1
    assert f"{bad}: NOT PROVEN" in capsys.readouterr().err
    assert main([str(good), "--key", OTHER.key]) == 1
    assert "another key" in capsys.readouterr().err


def test_a_clip_that_is_not_there_and_a_key_that_is_none_are_wrong_calls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "missing.mp4"), "--key", SEALER.key]) == 2
    assert "missing.mp4" in capsys.readouterr().err
    for key in ("", "zz", SEALER.key[:-2]):
        with pytest.raises(SystemExit):
            main([str(clip(tmp_path)), "--key", key])


def test_an_event_without_a_clip_has_no_key() -> None:
    with pytest.raises(ContractError, match="clip_key"):
        replace(event_of(1), clip_key=SEALER.key)
    assert Event.from_json(event_of(1).to_json()).clip_key is None


def test_a_file_that_is_no_sealed_clip_is_told_as_such_without_asking_the_cloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_account() -> None:
        raise AssertionError("nobody is asked")

    monkeypatch.setattr(verify, "find_site", no_account)
    (tmp_path / "song.mp3").write_bytes(b"la la la")
    assert main([str(tmp_path / "song.mp3")]) == 1
    assert "NOT PROVEN: it has no seal" in capsys.readouterr().err
    assert main([str(tmp_path / "missing.mp4")]) == 2


def test_a_key_that_is_none_is_told_with_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(clip(tmp_path)), "--key", "zz"])
    assert "'zz' is no key: give the 64 hexadecimal digits" in capsys.readouterr().err
