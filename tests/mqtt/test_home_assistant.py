"""The whole component at a real broker: what Home Assistant sees of a device, and what it may say to it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import LOCAL_HEALTH
from smartcam.contract.wish import LocalArming, SettingsOwner
from smartcam.edge.clock import SystemClock
from smartcam.edge.history.folder import EventHistory, HistorySettings
from smartcam.edge.lifecycle import Bell, StopToken
from smartcam.edge.pictures.folder import PictureFolder
from smartcam.edge.wish_desk import WishDesk
from smartcam.homeassistant.main import COMPONENT, INFERENCE, build
from smartcam.homeassistant.topics import HomeTopics
from standins.mosquitto import Mosquitto
from tests.fakes.bus import FakeNucleus
from tests.mqtt.mosquitto_broker import MosquittoBroker
from tests.unit.edge.history.sample import cleared, raised
from tests.unit.homeassistant.test_heard import health
from tests.unit.standins.nucleus.broker import Papers
from tests.waiting import until

YARD = CameraId("yard")
TOPICS = HomeTopics(ThingName("pi"), "smartcam", "homeassistant")
PERSON, PICTURE, STATUS = TOPICS.of(YARD, "person"), TOPICS.of(YARD, "picture"), TOPICS.status()
JPEG = b"\xff\xd8" + bytes(range(256)) * 800 + b"\xff\xd9"


def now(event: Event) -> Event:
    """The same, but of now."""
    at = SystemClock().utc()
    return replace(event, started_at=at, expires_at=UtcNs(at + 3600 * NS_PER_S))


class Site:
    """A device whose inference writes its history, hears wishes and says how it is."""

    def __init__(self, folder: Path, broker: MosquittoBroker) -> None:
        self.broker, self.nucleus = broker, FakeNucleus()
        self.work = folder / "work"
        self.own = self.work / COMPONENT
        self.own.mkdir(parents=True)
        self.history = EventHistory(self.work / INFERENCE / "history", SystemClock())
        self.history.configure(HistorySettings())
        self.pictures = PictureFolder(self.work / INFERENCE / "pictures")
        self.desk = WishDesk(SettingsOwner.INFERENCE, self.nucleus.bus(INFERENCE), SystemClock())
        self.desk.listen()
        self._heard: list[LocalArming] = []
        self.rests = 0
        """How often the service has rested."""
        self.configure()

    def arming(self) -> list[LocalArming]:
        """All that has been wished so far."""
        self._heard += [wish for wish in self.desk.waiting() if isinstance(wish, LocalArming)]
        return self._heard

    def configure(self, **more: object) -> None:
        settings = self.broker.settings
        document = {
            "host": settings.host,
            "port": settings.port,
            "authority": str(settings.authority),
            "user": settings.user,
            "password_file": str(settings.password_file),
            **more,
        }
        self.nucleus.configure(COMPONENT, document)

    def write(self, event: Event) -> None:
        self.history.add(event)
        self.history.store()

    def is_told(self, topic: str, payload: bytes | None) -> bool:
        return self.broker.waits_for(topic, payload) == payload

    def goes_on(self) -> bool:
        """Once the service has looked at everything again."""
        before = self.rests
        return until(lambda: self.rests >= before + 2)

    def note_rests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rest = Bell.rest

        def note_and_rest(bell: Bell, stop: StopToken, seconds: float) -> None:
            self.rests += 1
            rest(bell, stop, seconds)

        monkeypatch.setattr(Bell, "rest", note_and_rest)

    def say_health(self) -> None:
        self.nucleus.bus(INFERENCE).publish_local(LOCAL_HEALTH, health("yard").to_json())

    @contextmanager
    def running(self) -> Iterator[None]:
        stop, bus = StopToken(), self.nucleus.bus(COMPONENT)
        service = build(bus, ThingName("pi"), self.own)
        thread = threading.Thread(target=service.run, args=(stop,))
        thread.start()
        self.say_health()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
            bus.close()
            assert not thread.is_alive()


def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartcam.homeassistant.service._STEP_S", 0.05)
    monkeypatch.setattr("smartcam.homeassistant.service._FIRST_S", 0.1)
    monkeypatch.setattr("smartcam.homeassistant.service._CEILING_S", 0.2)


@pytest.fixture
def site(tmp_path: Path, broker: MosquittoBroker, monkeypatch: pytest.MonkeyPatch) -> Site:
    quickly(monkeypatch)
    made = Site(tmp_path, broker)
    made.note_rests(monkeypatch)
    return made


def test_home_assistant_finds_the_camera_and_an_event_switches_its_sensor_on_and_off_with_its_picture(
    site: Site,
) -> None:
    site.configure(pictures=True)
    with site.running():
        assert site.is_told(STATUS, b"online")
        found = json.loads(site.broker.kept[TOPICS.config(YARD)])
        assert found["components"]["person"]["state_topic"] == PERSON
        assert found["components"]["picture"]["image_topic"] == PICTURE
        assert site.broker.kept[PERSON] == b"OFF"
        event = now(raised(1))
        site.write(event)
        assert site.is_told(PERSON, b"ON")
        assert site.is_told(TOPICS.of(YARD, "event"), b"Person")
        site.pictures.keep(YARD, event.event_id, JPEG)
        assert site.is_told(PICTURE, JPEG)
        site.write(cleared(event))
        assert site.is_told(PERSON, b"OFF")
    assert site.is_told(STATUS, b"offline")
    site.configure(pictures=False)
    with site.running():
        assert site.is_told(PICTURE, None), "who has changed their mind leaves no picture there"


def test_a_command_is_heard_as_a_wish_and_nonsense_is_ignored_and_counted(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with site.running():
        assert site.is_told(STATUS, b"online")
        site.broker.send(TOPICS.command(YARD), b"ON", retain=True)
        for nonsense in (b"", b"OF", b"\xff\xfe\x00", b"OFF" * 300, bytes(1_000_000)):
            site.broker.send(TOPICS.command(YARD), nonsense)
        for _ in range(100):
            site.broker.send(TOPICS.command(CameraId("cellar")), b"OFF")
        site.broker.send(TOPICS.command(None), b"OFF")
        assert until(lambda: len(site.arming()) == 2)
        heard = site.arming()
        assert [(one.camera_id, one.armed) for one in heard] == [(YARD, True), (None, False)]
        assert site.desk.refused == 0
        assert "count=101" in caplog.text, "a line for each hundred"
    with site.running():
        assert site.is_told(STATUS, b"online")
        site.broker.send(TOPICS.command(None), b"ON")
        assert until(lambda: len(site.arming()) > 2)
        assert [one.armed for one in site.arming()[2:]] == [True], "what the broker has kept is of another day"
        assert site.arming()[2].camera_id is None


def test_a_broker_that_was_killed_is_told_everything_when_it_is_back(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with site.running():
        assert site.is_told(STATUS, b"online")
        site.broker.kill()
        site.write(raised(1))
        assert until(lambda: "broker_away" in caplog.text)
        assert site.goes_on()
        site.broker.start()
        site.say_health()
        assert site.is_told(STATUS, b"online")
        assert site.is_told(TOPICS.of(YARD, "event"), b"Person")
        assert TOPICS.config(YARD) in site.broker.kept


def test_a_wrong_password_is_said_once_in_words_and_mended_without_a_restart(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    path = site.broker.settings.password_file
    assert path is not None
    right = path.read_text()
    path.write_text("a bad guess")
    with site.running():
        assert until(lambda: "refuses the connection: Not authorized; check user and password_file" in caplog.text)
        assert site.goes_on()
        assert caplog.text.count("Not authorized") == 1
        assert "guess" not in caplog.text
        path.chmod(0o644)
        assert until(lambda: "must be readable by its owner only" in caplog.text)
        path.chmod(0o600)
        path.write_text(right)
        assert site.is_told(STATUS, b"online")


def test_a_broker_that_stands_still_holds_nobody_up(site: Site) -> None:
    with site.running():
        assert site.is_told(STATUS, b"online")
        site.broker.freeze()


def test_a_broker_that_hangs_up_on_a_picture_is_told_everything_else(
    mosquitto: Mosquitto, papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly(monkeypatch)
    with MosquittoBroker(mosquitto, papers, tmp_path, "message_size_limit 100000") as broker:
        site = Site(tmp_path, broker)
        site.note_rests(monkeypatch)
        site.configure(pictures=True)
        event = now(raised(1))
        site.write(event)
        site.pictures.keep(YARD, event.event_id, JPEG)
        with site.running():
            assert until(lambda: broker.heard.count((STATUS, b"online")) > 0)
            broker.heard.clear()
            assert all(site.goes_on() for _ in range(5))
            assert (STATUS, b"offline") not in broker.heard, "it stays"
            assert broker.kept[PERSON] == b"ON"
            assert PICTURE not in broker.kept
