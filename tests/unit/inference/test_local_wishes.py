"""What people wish on the device itself: granted, refused and answered by the running service, and kept."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.ids import CameraId, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import settings_topic
from smartcam.contract.wanted import NOTHING_WANTED, Arming, Verdict
from smartcam.contract.wish import (
    CurvePoint,
    FilterAsk,
    LocalArming,
    LocalVerdict,
    SettingsAsk,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishMessage,
    decode_wish_message,
    encode_wish_message,
)
from smartcam.edge.history.folder import HistorySettings
from tests.fakes.clock import SOME_DAY
from tests.fakes.row_models import linear, write_filter
from tests.training.tabular.verdicts import event_of, history, judged_history
from tests.unit.inference.stage import YARD
from tests.unit.inference.test_service import KEY, NAME, Stage, past, wait_until
from training.tabular.silencing import learn_filter


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, [0.9]).start()
    yield stage
    stage.stop()


class Console:
    """Who wishes things on the device itself, and hears what became of them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.bus = stage.nucleus.bus("smartcam.Console")

    def say(self, message: WishMessage) -> WishAnswer:
        before = len(self.answers())
        self.bus.publish_local(settings_topic(message.camera_id), encode_wish_message(message))
        wait_until(lambda: len(self.answers()) > before)
        return self.answers()[-1]

    def wish(self, settings: Mapping[str, object], camera: CameraId = YARD) -> WishAnswer:
        return self.say(SettingsWish("1", camera, SettingsOwner.INFERENCE, settings))

    def answers(self) -> list[WishAnswer]:
        said = [decode_wish_message(payload) for payload in self.stage.nucleus.local_payloads("smartcam/settings/+")]
        return [one for one in said if isinstance(one, WishAnswer)]


BOTTOM = [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]


def test_what_is_set_on_the_device_holds_at_once_and_in_the_next_process(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9], {"cameras": {YARD: {}}}).start()
    try:
        answer = Console(stage).wish({"zones": {"bottom": BOTTOM}, "alerts_a_day": 3})
        assert (answer.applied, answer.errors) == (True, ())
        assert answer.holds is not None
        assert answer.holds.settings == {"zones": {"bottom": BOTTOM}, "alerts_a_day": 3}
        assert (answer.holds.armed, answer.holds.armed_until) == (True, None)
    finally:
        stage.stop()
    again = Stage(tmp_path, [0.9], {"cameras": {YARD: {}}}).start()
    try:
        held = Console(again).say(SettingsAsk("2", YARD)).holds
        assert held == answer.holds
        refused = Console(again).wish({"zones": {"bottom": BOTTOM[:2]}, "labels": ["x"]})
        assert (refused.applied, [error.key for error in refused.errors]) == (False, ["cameras.yard.labels"])
        assert refused.holds == held
    finally:
        again.stop()


def test_who_asks_for_the_settings_hears_what_the_learned_scenes_thresholds_are_worth(tmp_path: Path) -> None:
    stage, curve = Stage(tmp_path, [0.9], {"cameras": {YARD: {}}}).start(), (CurvePoint(0.5, 1.0, 0.1, 3.9),)
    try:
        before = Console(stage).say(SettingsAsk("1", YARD)).holds
        assert before is not None
        assert before.curve == ()
        stage.frame()
        stage.service._cameras._cameras[YARD].shared.curve = lambda: curve
        stage.frame()
        assert Console(stage).say(SettingsAsk("2", YARD)).holds == replace(before, curve=curve)
        granted = Console(stage).wish({"alerts_a_day": 2}).holds
        assert granted is not None
        assert granted.curve == ()
    finally:
        stage.stop()


def test_a_camera_that_only_announces_itself_can_be_set_and_is_expected_by_nobody_once_it_is_gone(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, [0.9]).start()
    try:
        assert "is no camera of this device" in Console(stage).wish({"normal": True}).errors[0].words
        stage.frame()
        assert Console(stage).wish({"alerts_a_day": 2}).applied
    finally:
        stage.stop()
    again = Stage(tmp_path, [0.9]).start()
    try:
        assert again.service.facts.cameras == ()
        again.frame()
        held = Console(again).say(SettingsAsk("2", YARD)).holds
        assert held is not None
        assert held.settings == {"alerts_a_day": 2}
    finally:
        again.stop()


def test_a_camera_is_disarmed_here_and_armed_again_and_the_newest_of_here_and_the_cloud_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9], {"cameras": {YARD: {}}}).start()
    console = Console(stage)

    def armed() -> bool | None:
        return stage.service.facts.cameras[0].armed

    try:
        assert console.say(LocalArming("1", None, armed=False)).applied
        wait_until(lambda: armed() is False)
        cloud = NOTHING_WANTED.wishing(YARD, Arming(armed=True))
        stage.service.wanted.hear("ack", cloud.to_json())
        wait_until(lambda: armed() is True)
        until = UtcNs(stage.clock.utc() + 60 * NS_PER_S)
        assert console.say(LocalArming("2", YARD, armed=False, until=until)).applied
        wait_until(lambda: armed() is False)
        held = console.say(SettingsAsk("3", YARD)).holds
        assert held is not None
        assert (held.armed, held.armed_until) == (False, until)
    finally:
        stage.stop()
    again = Stage(tmp_path, [0.9], {"cameras": {YARD: {}}}).start()
    try:
        assert again.service.facts.cameras[0].armed is False
        assert again.service.facts.wanted_revision == cloud.revision
        again.clock.advance(61)
        wait_until(lambda: again.service.facts.cameras[0].armed)
        past = Console(again).say(LocalArming("4", None, armed=False, until=SOME_DAY))
        assert "until: must be later than now" in past.errors[0].words
        unknown = Console(again).say(LocalArming("5", CameraId("shed"), armed=False))
        assert unknown.errors[0].words == "is no camera of this device"
    finally:
        again.stop()


def test_a_verdict_that_is_given_here_is_where_those_of_the_cloud_are_and_none_takes_it_back(stage: Stage) -> None:
    console, told = Console(stage), stage.service.wanted
    stage.frame()
    first, second = (new_event_id(SOME_DAY, bytes([number]) * 10) for number in (1, 2))
    cloud = replace(NOTHING_WANTED.renewed(), verdicts=(Verdict(first, true=True), Verdict(second, true=True)))
    told.hear("ack", cloud.to_json())
    for _ in range(2):
        assert console.say(LocalVerdict("1", YARD, first, true=False)).applied
    assert told.current().verdicts == (Verdict(second, true=True), Verdict(first, true=False))
    told.hear("ack", cloud.to_json())
    assert told.current().verdicts == (Verdict(second, true=True), Verdict(first, true=False))
    assert console.say(LocalVerdict("1", YARD, first, true=None)).applied
    assert told.current().verdicts == (Verdict(second, true=True),)


def test_the_history_has_the_newest_verdict_of_here_and_the_cloud_and_none_that_was_taken_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9]).start()
    console, cloud = Console(stage), stage.service.wanted
    stage.frames(5)
    wait_until(lambda: past(tmp_path))
    event = past(tmp_path)[0].event.event_id
    told = NOTHING_WANTED.renewed()

    def comes_to(verdict: bool | None) -> None:  # noqa: FBT001  the verdict itself
        wait_until(lambda: past(tmp_path)[0].verdict is verdict)

    for _ in range(2):
        console.say(LocalVerdict("1", YARD, event, true=False))
        comes_to(False)
        console.say(LocalVerdict("2", YARD, event, true=None))
        comes_to(None)
    cloud.hear("ack", replace(told, verdicts=(Verdict(event, true=True),)).to_json())
    comes_to(True)
    console.say(LocalVerdict("3", YARD, event, true=False))
    comes_to(False)
    cloud.hear("ack", replace(told.renewed(), undone=(event,)).to_json())
    comes_to(None)
    console.say(LocalVerdict("4", YARD, event, true=True))
    comes_to(True)
    console.say(LocalVerdict("5", YARD, event, true=None))
    stage.stop()
    again = Stage(tmp_path, [0.9]).start()
    comes_to(None)
    again.stop()


def test_a_wish_is_granted_beside_a_wrong_document_and_its_demand_for_a_signature_stays(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [0.9], {"cameras": {YARD: {}}}).start()
    try:
        stage.nucleus.configure(NAME, {"trusted_key": KEY, "cameras": {YARD: {"raise_at": 7}}})
        wait_until(lambda: stage.service.facts.configuration_refused)
        assert Console(stage).wish({"alerts_a_day": 2}).applied
        wait_until(lambda: stage.keys[-1] is not None)
        time.sleep(0.3)
        assert stage.keys[-1] is not None
        assert stage.service.facts.configuration_refused
    finally:
        stage.stop()


def test_what_the_filter_would_hold_back_of_the_devices_own_history_is_answered(tmp_path: Path) -> None:
    bundle = write_filter(tmp_path / "filter", learn_filter(judged_history(), linear), "3")
    document = {"filter": str(bundle), "filter_on_trial": True}
    stage = Stage(tmp_path, [0.9], document)
    rows = history()[:40]
    for number, row in enumerate(rows):
        event = event_of(row, number)
        stage.history.add(event)
        stage.history.judge(event.event_id, true=row["verdict"] == "true")
    stage.history.configure(HistorySettings())
    stage.history.store()
    stage.start()
    try:
        found = Console(stage).say(FilterAsk("1")).preview
        assert found is not None
        assert (found.name, found.version, found.on_trial, found.events) == ("events", "3", True, 40)
        assert (found.false, found.true) == tuple(
            sum(row["verdict"] == word for row in rows) for word in ("false", "true")
        )
        assert 0 < found.held == found.held_false <= found.false
        assert found.held_true == 0
    finally:
        stage.stop()


def test_without_a_filter_the_answer_says_so(stage: Stage) -> None:
    answer = Console(stage).say(FilterAsk("1"))
    assert (answer.applied, answer.preview) == (False, None)
    assert answer.errors[0].words == "filter: is not set"
