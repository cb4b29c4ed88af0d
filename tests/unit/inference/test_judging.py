"""The event filter on the device: it holds back what was called false, and in every doubt nothing."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings

from smartcam.contract.errors import ContractError
from smartcam.contract.event import HELD_BACK, Event, EventKind, Phase, Severity
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.wish import FilterPreview
from smartcam.edge.history.past import PastEvent
from smartcam.inference.events import Change
from smartcam.inference.judging import EventJudge
from smartcam.model.bundle import SIGNATURE_FILE
from smartcam.model.rows.bundle import RowHead
from smartcam.model.rows.packing import write_row_bundle
from smartcam.model.signature import sign
from tests.fakes import models
from tests.fakes.clock import FakeClock
from tests.fakes.row_models import DEVIATION, LAYERS, MEAN, linear, table_draft, write_filter
from tests.strategies import events
from tests.training.tabular.verdicts import event_of, history, judged_history
from tests.unit.inference.judging_device import JudgingDevice, play_later_half
from tests.unit.inference.test_bundles import make_bundle
from training.tabular.silencing import learn_filter

PRIVATE = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw()
LESSON = learn_filter(judged_history(), linear)
FALSE = next(
    event_of(row, number)
    for number, row in enumerate(history())
    if row["verdict"] == "false" and LESSON.made.silences(judged_history()[number])
)
TRUE = event_of(next(row for row in history() if row["verdict"] == "true"), 1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_filter(tmp_path_factory.mktemp("filter") / "events", LESSON, "3")


def judge_with(bundle: Path | None, *takes: str, key: bytes | None = None) -> EventJudge:
    judge = EventJudge(FakeClock(), lambda: 1.0, lambda: takes or ("recorded", HELD_BACK))
    judge.use(bundle, key)
    judge.refresh()
    return judge


def test_it_silences_half_of_the_later_false_events_and_no_true_one(bundle: Path, tmp_path: Path) -> None:
    play_later_half(bundle, tmp_path)


def test_what_is_held_back_says_by_which_filter(bundle: Path) -> None:
    judge = judge_with(bundle)
    assert judge.judged(FALSE) == replace(FALSE, held_back="events 3")
    assert judge.judged(TRUE) == TRUE
    assert judge.refused == ""


def test_on_trial_it_holds_nothing_back_and_says_what_it_would(bundle: Path) -> None:
    judge = judge_with(None, "recorded")
    judge.use(bundle, None, on_trial=True)
    judge.refresh()
    assert judge.judged(FALSE) == FALSE
    unsynced = replace(FALSE, clock_synced=False)
    past = [
        PastEvent(FALSE, verdict=False), PastEvent(FALSE),
        PastEvent(TRUE, verdict=True), PastEvent(TRUE, verdict=False),
        PastEvent(unsynced, verdict=False), PastEvent(replace(FALSE, kind=EventKind.TAMPER)),
    ]  # fmt: skip
    assert judge.preview(past) == FilterPreview(
        "events", "3", True, 6, false=3, true=1, held=2, held_false=1, held_true=0
    )
    assert not judge.preview([]).held


def test_a_preview_says_why_there_is_none(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContractError, match="filter: is not set"):
        judge_with(None).preview([])
    with pytest.raises(ContractError, match="no-such"):
        judge_with(tmp_path / "no-such").preview([])
    judge = judge_with(bundle)
    assert not judge.preview([PastEvent(FALSE)]).on_trial

    def broken(*_: object) -> float:
        raise RuntimeError("broken network")

    monkeypatch.setattr(RowHead, "probability", broken)
    with pytest.raises(ContractError, match="fails: broken network"):
        judge.preview([PastEvent(FALSE)])


def test_a_cloud_that_has_not_said_that_it_takes_it_gets_a_normal_alert(bundle: Path) -> None:
    assert judge_with(bundle, "recorded").judged(FALSE) == FALSE


@pytest.mark.parametrize("kind", sorted(set(EventKind) - {"person", "vehicle", "animal", "anomaly", "motion"}))
def test_tampering_lost_cameras_and_tests_always_go_out(bundle: Path, kind: EventKind) -> None:
    event = replace(FALSE, kind=kind)
    assert judge_with(bundle).judged(event) == event


def test_the_severity_that_the_user_named_and_what_is_above_it_always_go_out(tmp_path: Path) -> None:
    lesson = learn_filter(judged_history(), linear, Severity.WARNING)
    judge = judge_with(write_filter(tmp_path / "f", lesson))
    assert judge.judged(FALSE) == FALSE
    critical = replace(FALSE, severity=Severity.CRITICAL)
    assert judge.judged(critical) == critical


@pytest.mark.parametrize(
    "change",
    [
        {"camera_id": "cellar"},
        {"label": "Person"},
        {"label": None},
        {"box": None},
        {"score": 0.99},
        {"threshold": 0.1},
        {"zone": "lawn"},
        {"cause": "motion"},
        {"thing": "pi-2"},
        {"suppressed": 1},
        {"started_at": UtcNs(FALSE.started_at - 8 * 3600 * NS_PER_S)},
    ],
)
def test_what_was_never_called_false_goes_out(bundle: Path, change: dict[str, object]) -> None:
    event = replace(FALSE, **change)  # type: ignore[arg-type]  # the tests name the fields
    assert judge_with(bundle).judged(event) == event


def test_while_the_clock_is_not_trusted_everything_goes_out(bundle: Path) -> None:
    event = replace(FALSE, clock_synced=False)
    assert judge_with(bundle).judged(event) == event


def test_the_end_of_an_event_is_not_judged(bundle: Path) -> None:
    ended = replace(FALSE, phase=Phase.CLEARED, ended_at=FALSE.started_at)
    assert judge_with(bundle).judged(ended) == ended


def test_a_better_name_is_judged_again(bundle: Path) -> None:
    judge = judge_with(bundle)
    assert judge.judged(FALSE).is_held_back
    better = replace(FALSE, kind=EventKind.ANIMAL, label="fox", revision=1)
    assert not judge.judged(better).is_held_back
    assert judge.judged(replace(FALSE, revision=2)).is_held_back


def test_an_event_that_has_no_room_for_the_filters_name_goes_out(bundle: Path) -> None:
    full = replace(FALSE, more={"notes": "n" * (4096 - len(FALSE.to_json()) - 40)})
    assert len(full.to_json()) <= 4096
    assert judge_with(bundle).judged(full) == full


@pytest.mark.parametrize("kind", ["missing", "detector", "table", "damaged", "unsigned"])
def test_a_filter_that_is_refused_holds_nothing_back_and_says_why(
    kind: str, bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, key = tmp_path / "f", None
    if kind == "detector":
        make_bundle(folder)
    elif kind == "table":
        write_row_bundle(folder, models.dense(MEAN, DEVIATION, LAYERS), table_draft())
    elif kind == "damaged":
        write_filter(folder, LESSON)
        (folder / "columns.json").write_text("{}")
    elif kind == "unsigned":
        folder, key = bundle, PUBLIC
    judge = judge_with(folder, key=key)
    assert judge.judged(FALSE) == FALSE
    assert judge.refused.startswith("filter: ")
    assert "bundle_refused" in caplog.text


def test_a_filter_that_is_signed_with_the_trusted_key_is_taken(tmp_path: Path) -> None:
    folder = write_filter(tmp_path / "f", LESSON)
    (folder / SIGNATURE_FILE).write_bytes(sign((folder / "manifest.json").read_bytes(), PRIVATE))
    assert judge_with(folder, key=PUBLIC).judged(FALSE).is_held_back


def test_a_filter_is_reopened_when_it_changes_and_left_when_it_is_taken_away(tmp_path: Path) -> None:
    clock, link = FakeClock(), tmp_path / "current"
    write_filter(tmp_path / "1", LESSON, "1")
    write_filter(tmp_path / "2", LESSON, "2")
    link.symlink_to("1")
    judge = EventJudge(clock, lambda: 1.0, lambda: (HELD_BACK,))
    judge.use(link, None)
    judge.refresh()
    assert judge.judged(FALSE).held_back == "events 1"
    link.unlink()
    link.symlink_to("2")
    clock.advance(11)
    judge.refresh()
    assert judge.judged(FALSE).held_back == "events 2"
    (tmp_path / "2/columns.json").write_text("{}")
    link.unlink()
    clock.advance(11)
    judge.refresh()
    assert judge.judged(FALSE) == FALSE
    judge.use(None, None)
    assert judge.refused == ""
    assert judge.judged(FALSE) == FALSE


def test_a_network_that_breaks_while_it_judges_costs_no_alert(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    judge = judge_with(bundle)

    def broken(*_: object) -> bool:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("smartcam.model.rows.bundle.RowBundle.holds_back", broken)
    with caplog.at_level(logging.ERROR):
        assert judge.judged(FALSE) == FALSE
        assert judge.judged(FALSE) == FALSE
    assert caplog.text.count("filter_failed") == 1


@given(event=events())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_event_of_any_shape_breaks_it_or_is_changed_in_anything_else(bundle: Path, event: Event) -> None:
    event = replace(event, held_back=None)
    assert replace(judge_with(bundle).judged(event), held_back=None) == event


def test_verdicts_that_say_nothing_hold_nothing_back(tmp_path: Path) -> None:
    lesson = learn_filter(judged_history(meaningless=True), linear)
    device = JudgingDevice(tmp_path, write_filter(tmp_path / "f", lesson))
    sent = device.send([event_of(row, number) for number, row in enumerate(history()[200:240])])
    assert not any(event.is_held_back for event in sent.values())


def test_its_clearing_follows_and_a_restart_of_the_device_sends_what_was_held_back(
    bundle: Path, tmp_path: Path
) -> None:
    device = JudgingDevice(tmp_path, bundle)
    ended = replace(FALSE, phase=Phase.CLEARED, ended_at=FALSE.started_at)
    device.judge.refresh()
    device.store.keep([Change(FALSE, None), Change(ended, None)])
    device.store.store()
    device.outbox.close()
    waiting = JudgingDevice(tmp_path, None).outbox.due(10)
    assert [(due.event.phase, due.event.is_held_back) for due in waiting] == [("raised", True), ("cleared", False)]
