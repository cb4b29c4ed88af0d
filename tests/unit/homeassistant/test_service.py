"""The whole component on a nucleus and a broker in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.health import CameraHealth, Health
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.topics import LOCAL_HEALTH
from smartcam.contract.wish import LocalArming, decode_wish_message
from smartcam.edge.lifecycle import Bell, StopToken
from smartcam.homeassistant.main import COMPONENT, build
from smartcam.homeassistant.topics import HomeTopics
from tests.fakes.bus import FakeNucleus
from tests.fakes.home_broker import FakeBroker
from tests.threads import in_a_thread
from tests.unit.homeassistant.test_heard import health
from tests.waiting import until

YARD = CameraId("yard")
TOPICS = HomeTopics(ThingName("pi"), "smartcam", "homeassistant")
PERSON = TOPICS.of(YARD, "person")
BROKER = {"host": "broker"}


class Home:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work" / COMPONENT
        self.folder.mkdir(parents=True)
        self.nucleus, self.broker = FakeNucleus(), FakeBroker()
        self.nucleus.configure(COMPONENT, BROKER)
        self.rests: list[float] = []
        """For how long the service was to rest, each time."""

    def goes_on(self) -> bool:
        """Once the service has looked at everything again."""
        before = len(self.rests)
        return until(lambda: len(self.rests) >= before + 2)

    @contextmanager
    def running(self) -> Iterator[None]:
        bus = self.nucleus.bus(COMPONENT)
        try:
            with in_a_thread(build(bus, ThingName("pi"), self.folder, self.broker.connect).run):
                yield
        finally:
            bus.close()

    def say(self, what: Health) -> None:
        self.nucleus.bus("smartcam.Inference").publish_local(LOCAL_HEALTH, what.to_json())

    def is_told(self, topic: str, payload: bytes | None) -> bool:
        return self.broker.waits_for(topic, payload) == payload

    def is_online(self) -> bool:
        """Once it is connected and health has been told again and again."""

        def says_and_is() -> bool:
            self.say(health("yard"))
            return self.broker.kept.get(TOPICS.status()) == b"online"

        return until(says_and_is)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr("smartcam.homeassistant.service._STEP_S", 0.02)
    monkeypatch.setattr("smartcam.homeassistant.service._FIRST_S", 0.05)
    monkeypatch.setattr("smartcam.homeassistant.service._CEILING_S", 0.1)
    made, rest = Home(tmp_path), Bell.rest

    def note_and_rest(bell: Bell, stop: StopToken, seconds: float) -> None:
        made.rests.append(seconds)
        rest(bell, stop, seconds)

    monkeypatch.setattr(Bell, "rest", note_and_rest)
    return made


def test_as_long_as_no_broker_is_named_nobody_is_called(home: Home) -> None:
    home.nucleus.configure(COMPONENT, {})
    with home.running():
        home.say(health("yard"))
        assert home.goes_on()
        assert home.broker.attempts == 0
        home.nucleus.configure(COMPONENT, BROKER)
        assert home.is_online()


def test_until_inference_says_something_the_device_is_offline_and_then_everything_is_told(home: Home) -> None:
    with home.running():
        assert home.is_told(TOPICS.status(), b"offline")
        assert set(home.broker.kept) == {TOPICS.status()}
        assert home.is_online()
        assert home.is_told(TOPICS.armed(YARD), b"ON")
        assert json.loads(home.broker.kept[TOPICS.config(YARD)])["components"]["person"]["state_topic"] == PERSON
    assert home.is_told(TOPICS.status(), b"offline")


def test_a_broker_that_is_away_is_tried_again_and_said_once(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.broker.refuses = "broker port 8883: refuses the connection: Not authorized"
    with home.running():
        until(lambda: home.broker.attempts >= 4)
        assert caplog.text.count("Not authorized") == 1
        home.broker.start()
        assert home.is_online()
        home.broker.kill()
        assert home.is_told(TOPICS.status(), b"offline")
        home.broker.kept.clear()
        home.broker.start()
        assert home.is_online()
        assert home.is_told(PERSON, b"OFF"), "a broker that has forgotten everything is told everything"


def test_the_next_attempts_come_later_and_later(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartcam.homeassistant.service._CEILING_S", 3000.0)
    home.broker.refuses, rest, pauses = "away", Bell.rest, 15

    def rest_in_the_end(bell: Bell, stop: StopToken, seconds: float) -> None:
        if len(home.rests) < pauses:
            home.rests.append(seconds)
        else:
            rest(bell, stop, seconds)

    monkeypatch.setattr(Bell, "rest", rest_in_the_end)
    with home.running():
        until(lambda: home.broker.attempts == pauses + 1)
        longest = [0.05 * 2**number for number in range(pauses)]
        assert all(most / 2 <= rested <= most for most, rested in zip(longest, home.rests, strict=False))
        home.nucleus.configure(COMPONENT, {**BROKER, "port": 8884})
        assert until(lambda: home.broker.attempts > pauses + 1), "another configuration is tried at once"


def test_a_camera_that_is_removed_goes_from_the_broker_and_another_process_knows_it(home: Home) -> None:
    with home.running():
        assert home.is_online()
        home.say(health("yard", "door"))
        door = TOPICS.config(CameraId("door"))
        assert home.is_told(TOPICS.of(CameraId("door"), "person"), b"OFF")
    with home.running():
        assert home.is_online()
        assert home.is_told(door, None)
        assert not [topic for topic in home.broker.kept if "/door/" in topic]


def test_a_command_is_wished_and_what_holds_is_shown(home: Home) -> None:
    with home.running():
        assert home.is_online()
        home.broker.send(TOPICS.command(YARD), b"OFF")
        home.broker.send(TOPICS.command(CameraId("cellar")), b"OFF")
        until(lambda: home.nucleus.local_payloads("smartcam/settings/yard"))
        (payload,) = home.nucleus.local_payloads("smartcam/settings/+")
        wish = decode_wish_message(payload)
        assert isinstance(wish, LocalArming)
        assert (wish.camera_id, wish.armed, wish.until) == (YARD, False, None)
        assert home.is_told(TOPICS.armed(YARD), b"ON"), "until inference says otherwise"
        camera: CameraHealth = replace(health("yard").cameras[0], armed=False)
        home.say(replace(health("yard"), cameras=(camera,)))
        assert home.is_told(TOPICS.armed(YARD), b"OFF")


def test_a_configuration_that_cannot_be_understood_changes_nothing(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with home.running():
        assert home.is_online()
        home.nucleus.configure(COMPONENT, {**BROKER, "topic_prefix": "#"})
        until(lambda: "topic_prefix = '#': must be a topic's beginning" in caplog.text)
        assert home.is_online()
    with home.running():
        assert home.is_online()


def test_other_topics_take_the_place_of_the_old_ones(home: Home) -> None:
    with home.running():
        assert home.is_online()
        home.nucleus.configure(COMPONENT, {**BROKER, "topic_prefix": "home/cams"})
        assert home.is_told("home/cams/pi/status", b"online")
        assert home.is_told(PERSON, None)


def test_a_nucleus_that_is_away_ends_no_connection(home: Home) -> None:
    with home.running():
        assert home.is_online()
        home.nucleus.away = True
        assert home.goes_on()
        home.nucleus.away = False
        assert home.goes_on()
        assert home.broker.attempts == 1
        assert home.broker.kept[TOPICS.status()] == b"online"
