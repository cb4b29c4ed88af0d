"""A console that really answers on 127.0.0.1, on a nucleus in memory."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.routing import Route
from websockets.sync.client import ClientConnection, connect

from smartcam.console.access import PASSWORD_FILE, Guesses, Password, Sessions
from smartcam.console.changing import Changing
from smartcam.console.heard import HeardDevice
from smartcam.console.looking import Clips, Looking
from smartcam.console.main import build_app
from smartcam.console.serving import listen, serve
from smartcam.console.settings import ConsoleSettings
from smartcam.console.sockets import LiveSockets
from smartcam.console.wishes import Wishing
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice, encode_notice
from smartcam.contract.times import UtcNs
from smartcam.contract.topics import ALL_FRAMES, ALL_SETTINGS, ALL_VIEWS, LOCAL_HEALTH, frames_topic
from smartcam.edge.clip_name import CLIP_FOLDER
from smartcam.edge.clock import SystemClock
from smartcam.edge.history.reading import PastEvents
from smartcam.edge.replaced import recent_replacements
from smartcam.vision.journal import JournalRow
from tests.fakes.bus import FakeBus, FakeNucleus
from tests.fakes.clock import FakeClock

YARD = CameraId("yard")
PASSWORD = "a long enough secret"  # noqa: S105  of a test


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    def rows(self, key: str) -> list[dict[str, object]]:
        """A list of objects in the answer."""
        found = self.json[key]
        assert isinstance(found, list)
        return found


@dataclass
class ConsoleWorld:
    """What is behind the console, and a browser before it."""

    folder: Path
    settings: ConsoleSettings = field(default_factory=ConsoleSettings)
    nucleus: FakeNucleus = field(default_factory=FakeNucleus)
    guess_clock: FakeClock = field(default_factory=FakeClock)
    port: int = 0
    cookie: str = ""
    token: str = ""
    more: Sequence[Route] = ()

    def __post_init__(self) -> None:
        self.clock = SystemClock()
        self.rings = self.folder / "shm"
        self.clips = self.folder / "work" / CLIP_FOLDER
        for path in (self.rings, self.clips):
            path.mkdir(parents=True)
        self.password = Password(self.folder / PASSWORD_FILE)
        words = iter(f"word-{number}" for number in range(1000))
        self.sessions = Sessions(self.password, self.clock, words.__next__)
        self.heard = HeardDevice(self.clock)
        self.bus = FakeBus(self.nucleus, "smartcam.Console")
        self.sockets = LiveSockets(self.rings, self.heard, self.bus, self.sessions, self.clock)
        clips = Clips(self.clips)
        ids = iter(f"wish-{number}" for number in range(1000))
        self.wishes = Wishing(self.bus, ids.__next__, patience_s=0.5)
        self.history, self.pictures = self.folder / "history", self.folder / "pictures"
        self.journal: list[JournalRow] = []
        looking = Looking(
            self.heard,
            PastEvents(self.history, self.pictures),
            clips,
            lambda: recent_replacements(self.folder, self.clock.utc()),
        )
        changing = Changing(self.wishes, looking.camera_of, lambda: self.journal)
        self.routes = [*looking.routes(), *changing.routes(), *self.more]
        self.bus.subscribe_local(ALL_FRAMES, self.heard.notice)
        self.bus.subscribe_local(ALL_VIEWS, self.heard.hear_view)
        self.bus.subscribe_local(LOCAL_HEALTH, self.heard.health)
        self.bus.subscribe_local(ALL_SETTINGS, self.wishes.hear)

    @contextmanager
    def running(self) -> Iterator["ConsoleWorld"]:
        guesses = Guesses(self.guess_clock)
        app = build_app(self.settings, self.sessions, guesses, self.sockets, self.routes)
        listening = listen("127.0.0.1", 0)
        self.port = listening.getsockname()[1]
        over = threading.Event()
        thread = threading.Thread(target=serve, args=(app, listening, None, over.is_set), name="console")
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        document: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """As the page asks: with its cookie, token and origin; `headers` replace these."""
        sent = {"Host": self.host, "Origin": f"http://{self.host}", "X-Smartcam-Token": self.token}
        if self.cookie:
            sent["Cookie"] = f"smartcam={self.cookie}"
        sent |= headers or {}
        body = None if document is None else json.dumps(document).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def sign_in(self, password: str = PASSWORD) -> Answer:
        answer = self.ask("POST", "/api/session", {"password": password})
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
            self.token = str(answer.json["token"])
        return answer

    def look(self, camera: str = YARD, *, origin: str | None = None, cookie: str | None = None) -> ClientConnection:
        headers = {"Origin": f"http://{self.host}" if origin is None else origin}
        if cookie is None and self.cookie:
            cookie = f"smartcam={self.cookie}"
        if cookie:
            headers["Cookie"] = cookie
        return connect(f"ws://{self.host}/api/live/{camera}", additional_headers=headers, open_timeout=60)

    def announce(self, notice: FrameNotice | StatusNotice) -> None:
        self.nucleus.bus("smartcam.Capture").publish_local(frames_topic(notice.camera_id), encode_notice(notice))

    def report(self, state: CameraState = CameraState.RUNNING, reason: str = "", camera: CameraId = YARD) -> None:
        self.announce(StatusNotice(camera, state, reason, 10.0, 7, 5, UtcNs(1), UtcNs(2)))


def all_of(viewer: ClientConnection) -> list[str | bytes]:
    """All that comes. Raises ConnectionClosed when the console ends it."""
    got = []
    while True:
        got.append(viewer.recv(timeout=60))
