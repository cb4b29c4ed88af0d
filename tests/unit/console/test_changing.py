from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import Thread

import pytest

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc
from smartcam.contract.topics import ALL_SETTINGS, settings_topic
from smartcam.contract.wish import (
    CurvePoint,
    FilterAsk,
    FilterPreview,
    Holding,
    LocalArming,
    LocalVerdict,
    SettingsAsk,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishError,
    decode_wish_message,
    encode_wish_message,
)
from smartcam.edge.history.folder import EventHistory, HistorySettings
from smartcam.vision.journal import JournalRow
from tests.fakes.clock import SOME_DAY
from tests.fakes.console_world import YARD, ConsoleWorld
from tests.unit.console.test_event_pages import event

LEFT = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
RIGHT = [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]


class Owner:
    """Capture or inference, as it answers wishes: it holds what it has granted, and knows one camera."""

    def __init__(self, world: ConsoleWorld, owner: SettingsOwner, settings: Mapping[str, object]) -> None:
        self.heard: list[object] = []
        self.errors: tuple[WishError, ...] = ()
        self.preview: FilterPreview | None = None
        self.holds = Holding("1", settings, {"labels": ["person"]}, armed=True)
        self._owner = owner
        self._bus = world.nucleus.bus(f"smartcam.{owner}")
        self._bus.subscribe_local(ALL_SETTINGS, self._hear)

    @property
    def settings(self) -> Mapping[str, object]:
        return self.holds.settings

    def _hear(self, _: str, payload: bytes) -> None:
        message = decode_wish_message(payload)
        if isinstance(message, WishAnswer):
            return
        if isinstance(message, SettingsWish) and message.owner is not self._owner:
            return
        if isinstance(message, FilterAsk | LocalArming | LocalVerdict) and self._owner is SettingsOwner.CAPTURE:
            return
        self.heard.append(message)
        holds = None
        if isinstance(message, SettingsAsk | SettingsWish) and message.camera_id == YARD:
            if isinstance(message, SettingsWish) and not message.trial and not self.errors:
                self.holds = Holding("2", {**self.settings, **message.settings}, self.holds.besides, armed=True)
            holds = self.holds
        is_trial = isinstance(message, SettingsWish) and message.trial
        errors = () if isinstance(message, SettingsAsk) else self.errors
        preview = None if errors or not isinstance(message, FilterAsk) else self.preview
        answer = WishAnswer(
            message.id, message.camera_id, self._owner, not errors and not is_trial, errors, holds, preview
        )
        self._bus.publish_local(settings_topic(message.camera_id), encode_wish_message(answer))


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    world = ConsoleWorld(tmp_path_factory.mktemp("device"))
    history = EventHistory(world.history, world.clock)
    history.configure(HistorySettings())
    history.add(event(1))
    history.store()
    for second in range(100):
        at = 0.2 if second < 50 else 0.8
        box = NormalBox(at, 0.4, at + 0.1, 0.6)
        world.journal.append(JournalRow(YARD, second, second // 10, EventKind.PERSON, "person", box, 0.9))
    with world.running():
        world.token = str(world.ask("GET", "/api/session").json["token"])
        yield world


@pytest.fixture
def owners(device: ConsoleWorld) -> tuple[Owner, Owner]:
    device.nucleus.forget_all_but(device.bus)
    return (
        Owner(device, SettingsOwner.CAPTURE, {"masks": {"window": LEFT}}),
        Owner(device, SettingsOwner.INFERENCE, {"zones": {"gate": LEFT}, "rules": {"walk": {"zones": ["gate"]}}}),
    )


def test_what_the_filter_makes_of_the_events_is_said_or_why_nobody_can(
    device: ConsoleWorld, owners: tuple[Owner, Owner]
) -> None:
    why = WishError("filter", "is not set")
    owners[1].errors = (why,)
    assert device.ask("GET", "/api/filter").json == {"filter": None, "words": "filter: is not set"}
    owners[1].errors = ()
    owners[1].preview = FilterPreview("events", "3", True, 40, 12, 5, 9, 8, 0)
    found = device.ask("GET", "/api/filter").json["filter"]
    assert found == {
        "name": "events", "version": "3", "on_trial": True, "events": 40,
        "false": 12, "true": 5, "held": 9, "held_false": 8, "held_true": 0,
    }  # fmt: skip


def test_what_holds_is_said_by_both_owners(device: ConsoleWorld, owners: tuple[Owner, Owner]) -> None:
    answer = device.ask("GET", "/api/settings/yard")
    assert answer.status == 200
    assert answer.json["settings"] == {**owners[0].settings, **owners[1].settings}
    assert answer.json["differs"] is None
    assert answer.json["curve"] == []
    owners[1].holds = replace(owners[1].holds, curve=(CurvePoint(0.5, 1.0, 0.1, 3.9), CurvePoint(0.6, 0.0, 0.0, 2.3)))
    assert device.ask("GET", "/api/settings/yard").json["curve"] == [
        {"threshold": 0.5, "a_day": 1.0, "least": 0.1, "most": 3.9},
        {"threshold": 0.6, "a_day": 0.0, "least": 0.0, "most": 2.3},
    ]
    assert device.ask("GET", "/api/settings/nowhere").status == 404
    assert device.ask("GET", "/api/settings/%3Cb%3E").status == 400


def test_what_a_later_deployment_has_set_aside_is_said_with_its_settings(
    device: ConsoleWorld, owners: tuple[Owner, Owner]
) -> None:
    assert device.ask("GET", "/api/settings/yard").json["set_aside"] == {}
    for owner, aside in zip(owners, ({"masks": {"door": RIGHT}}, {"zones": {"path": LEFT}, "rules": {}}), strict=True):
        owner.holds = replace(owner.holds, differs="deployed anew", set_aside=aside)
    answer = device.ask("GET", "/api/settings/yard").json
    assert answer["differs"] == "deployed anew; deployed anew"
    assert answer["set_aside"] == {"masks": {"door": RIGHT}, "zones": {"path": LEFT}, "rules": {}}


def test_settings_are_checked_by_their_owners_and_played_over_the_journal(
    device: ConsoleWorld, owners: tuple[Owner, Owner]
) -> None:
    settings = {"zones": {"gate": LEFT, "door": RIGHT}, "rules": {"walk": {"zones": ["gate", "door"]}}}
    answer = device.ask("POST", "/api/settings/yard/check", {"settings": settings}).json
    assert (answer["errors"], answer["events_now"], answer["events_then"]) == ([], 5, 10)
    assert all(wish.trial for wish in owners[1].heard if isinstance(wish, SettingsWish))
    assert owners[1].settings["zones"] == {"gate": LEFT}
    owners[1].errors = (WishError("cameras.yard.zones.gate", "must have corners"),)
    answer = device.ask("POST", "/api/settings/yard/check", {"settings": settings}).json
    assert answer["errors"] == [{"key": "cameras.yard.zones.gate", "words": "must have corners"}]


def test_saving_wishes_what_changes_of_each_owner_and_says_it_as_yaml(
    device: ConsoleWorld, owners: tuple[Owner, Owner]
) -> None:
    settings = {"masks": {}, "zones": {"gate": RIGHT}, "rules": {"walk": {"zones": ["gate"]}}}
    revision = str(device.ask("GET", "/api/settings/yard").json["revision"])
    answer = device.ask("POST", "/api/settings/yard", {"settings": settings, "revision": revision}).json
    assert (answer["applied"], answer["errors"]) == (True, [])
    assert owners[0].settings == {"masks": {}}
    assert owners[1].settings["zones"] == {"gate": RIGHT}
    assert [
        (one.trial, dict(one.settings), one.revision) for one in owners[1].heard if isinstance(one, SettingsWish)
    ] == [
        (True, {"zones": {"gate": RIGHT}}, "1"),
        (False, {"zones": {"gate": RIGHT}}, "1"),
    ]
    assert '"gate": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]' in str(answer["yaml"])
    assert '-        "gate": [[0, 0]' in str(answer["diff"])


def test_what_one_owner_refuses_is_applied_by_none(device: ConsoleWorld, owners: tuple[Owner, Owner]) -> None:
    owners[1].errors = (WishError("cameras.yard.zones.gate", "must have corners"),)
    settings = {"masks": {}, "zones": {"gate": RIGHT}}
    answer = device.ask("POST", "/api/settings/yard", {"settings": settings}).json
    assert answer["applied"] is False
    assert answer["errors"] == [{"key": "cameras.yard.zones.gate", "words": "must have corners"}]
    assert owners[0].settings == {"masks": {"window": LEFT}}


@pytest.mark.parametrize("key", ["url", "credentials", "path", "trusted_key", "<b>", ""])
def test_only_what_is_drawn_can_be_set(device: ConsoleWorld, owners: tuple[Owner, Owner], key: str) -> None:
    answer = device.ask("POST", "/api/settings/yard", {"settings": {key: "x", "masks": {}}}).json
    assert answer["applied"] is False
    assert answer["errors"] == [
        {"key": key, "words": "is no setting that can be changed here; change it in the deployment's file"}
    ]
    assert not any(isinstance(one, SettingsWish) for owner in owners for one in owner.heard)


def test_settings_that_no_message_carries_are_refused(device: ConsoleWorld, owners: tuple[Owner, Owner]) -> None:
    zones = {f"zone {number}": LEFT for number in range(300)}
    answer = device.ask("POST", "/api/settings/yard", {"settings": {"zones": zones}})
    assert answer.status == 400
    assert "7000 are allowed" in str(answer.json["error"]) or "fit into a message" in str(answer.json["error"])
    assert owners[1].settings["zones"] == {"gate": LEFT}


@pytest.mark.parametrize("verdict", [True, False, None])
def test_a_verdict_is_passed_on(device: ConsoleWorld, owners: tuple[Owner, Owner], verdict: bool | None) -> None:  # noqa: FBT001
    name = event(1).event_id
    answer = device.ask("POST", f"/api/events/{name}/verdict", {"verdict": verdict})
    assert answer.json == {"verdict": verdict, "applied": True, "words": ""}
    [said] = [one for one in owners[1].heard if isinstance(one, LocalVerdict)]
    assert (said.camera_id, said.event_id, said.true) == (YARD, name, verdict)
    assert owners[0].heard == []


@pytest.mark.parametrize("verdict", ["yes", 1, {"true": True}])
def test_a_verdict_that_is_none_and_one_about_nothing_are_refused(
    device: ConsoleWorld, owners: tuple[Owner, Owner], verdict: object
) -> None:
    assert device.ask("POST", f"/api/events/{event(1).event_id}/verdict", {"verdict": verdict}).status == 400
    gone = EventId("0190b2c4-0000-7000-8000-000000000000")
    assert device.ask("POST", f"/api/events/{gone}/verdict", {"verdict": True}).status == 404
    assert device.ask("POST", "/api/events/x/verdict", {"verdict": True}).status == 400
    assert owners[1].heard == []


@pytest.mark.parametrize("camera", ["yard", "*"])
def test_arming_is_passed_on(device: ConsoleWorld, owners: tuple[Owner, Owner], camera: str) -> None:
    document = {"camera": camera, "armed": False, "until": "2026-03-01T12:00:00.000Z"}
    assert device.ask("POST", "/api/arming", document).json == {"applied": True, "words": ""}
    [said] = owners[1].heard
    assert isinstance(said, LocalArming)
    assert (said.camera_id, said.armed) == (None if camera == "*" else YARD, False)
    for wrong in (
        {},
        {"camera": "yard"},
        {**document, "armed": "no"},
        {**document, "until": "soon"},
        {**document, "camera": "../x"},
    ):
        assert device.ask("POST", "/api/arming", wrong).status == 400


def test_until_when_a_camera_is_disarmed_is_told_with_its_settings(
    device: ConsoleWorld, owners: tuple[Owner, Owner]
) -> None:
    until = UtcNs(SOME_DAY + 3600 * NS_PER_S)
    assert device.ask("GET", "/api/settings/yard").json["armed_until"] is None
    owners[1].holds = Holding("3", armed=False, armed_until=until)
    assert device.ask("GET", "/api/settings/yard").json["armed_until"] == format_utc(until)


def test_a_change_needs_the_token(device: ConsoleWorld, owners: tuple[Owner, Owner]) -> None:
    for path, document in (
        ("/api/settings/yard", {"settings": {"masks": {}}}),
        ("/api/settings/yard/check", {"settings": {"masks": {}}}),
        ("/api/arming", {"camera": "*", "armed": False}),
        (f"/api/events/{event(1).event_id}/verdict", {"verdict": True}),
    ):
        assert device.ask("POST", path, document, headers={"X-Smartcam-Token": "forged"}).status == 403
    assert [owner.heard for owner in owners] == [[], []]


def test_owners_that_are_away_are_named_and_nothing_waits_for_ever(device: ConsoleWorld) -> None:
    device.nucleus.forget_all_but(device.bus)
    answer = device.ask("POST", "/api/arming", {"camera": "*", "armed": False})
    assert answer.status == 503
    assert answer.json["error"] == "smartcam.Inference did not answer within 0.5 s: is it running, and of this version?"
    device.nucleus.away = True
    try:
        assert device.ask("GET", "/api/settings/yard").json["error"] == "the nucleus is away: try again"
    finally:
        device.nucleus.away = False


def test_answers_of_nobody_who_was_asked_are_not_believed(device: ConsoleWorld) -> None:
    device.nucleus.forget_all_but(device.bus)
    neighbour = device.nucleus.bus("neighbour")

    def hear(topic: str, payload: bytes) -> None:
        message = decode_wish_message(payload)
        if not isinstance(message, WishAnswer):
            for answer in (
                WishAnswer("another", None, SettingsOwner.INFERENCE, applied=True),
                WishAnswer(message.id, None, SettingsOwner.CAPTURE, applied=True),
                WishAnswer(message.id, YARD, SettingsOwner.INFERENCE, applied=True),
            ):
                neighbour.publish_local(topic, encode_wish_message(answer))
            neighbour.publish_local(topic, b"{")

    neighbour.subscribe_local(ALL_SETTINGS, hear)
    assert device.ask("POST", "/api/arming", {"camera": "*", "armed": False}).status == 503


def test_many_who_ask_at_once_are_bounded(device: ConsoleWorld) -> None:
    device.nucleus.forget_all_but(device.bus)
    words: list[str] = []
    ask = {"camera": "*", "armed": False}
    threads = [
        Thread(target=lambda: words.append(str(device.ask("POST", "/api/arming", ask).json["error"])))
        for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(words) == 30
    assert device.ask("GET", "/api/session").status == 200
