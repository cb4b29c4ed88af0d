"""A console that answers the page with made data: drawn pictures, a stream encoded from them, a thousand events.

`python -m tests.fakes.console_server --port 8600 [--password secret]` shows the page with it.
"""

import argparse
import asyncio
import contextlib
import hashlib
import io
import json
import random
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
import uvicorn
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from smartcam.console.serving import listen, serve
from smartcam.contract.errors import SettingsError
from smartcam.contract.event import Event
from smartcam.contract.health import (
    CameraCondition,
    CameraHealth,
    DeviceState,
    Health,
    OutboxHealth,
    SceneHealth,
    SceneStage,
)
from smartcam.contract.ids import camera_id, thing_name
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs, format_utc
from smartcam.edge.muxing import ClipWriter
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket
from smartcam.vision.line import line
from smartcam.vision.zone import zone
from tests.encoded import Encoded

STATIC: Final = Path(__file__).resolve().parents[2] / "components/smartcam/console/static"
WIDTH, HEIGHT, RATE, LOOP = 640, 360, 10, 80
DAYS: Final = 7.0
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS: Final = ("person", "vehicle", "animal", "motion", "anomaly", "tamper", "camera_lost")
_FIELDS: Final = [*(name for name in Event.__dataclass_fields__ if name != "more"), "schema"]
_Answer = Callable[[Request], Awaitable[Response]]


def walker(i: int) -> list[float]:
    """Where somebody walks in picture `i`, normalised: from left to right in eight seconds, again and again."""
    x = 0.05 + 0.8 * (i % LOOP) / LOOP
    return [x, 0.35, x + 0.1, 0.9]


def drawn(i: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Picture `i` of the yard, uint8 BGR (360, 640, 3)."""
    rows = np.linspace(70, 130, HEIGHT).astype(np.uint8)
    picture = np.repeat(np.repeat(rows[:, None, None], WIDTH, 1), 3, 2).copy()
    cv2.rectangle(picture, (0, 220), (WIDTH, HEIGHT), (78, 92, 84), -1)
    cv2.rectangle(picture, (60, 60), (240, 222), (96, 110, 140), -1)
    cv2.rectangle(picture, (120, 140), (170, 222), (60, 66, 84), -1)
    cv2.circle(picture, (520, 150), 58, (72, 120, 76), -1)
    cv2.rectangle(picture, (512, 200), (528, 262), (52, 74, 96), -1)
    x1, y1, x2, y2 = (round(side * (WIDTH, HEIGHT)[place % 2]) for place, side in enumerate(walker(i)))
    cv2.circle(picture, ((x1 + x2) // 2, y1 + 20), 18, (150, 170, 205), -1)
    cv2.rectangle(picture, (x1 + 12, y1 + 38), (x2 - 12, y2 - 60), (150, 90, 50), -1)
    swing = round(10 * np.sin(i))
    for side in (-1, 1):
        middle = (x1 + x2) // 2
        cv2.line(picture, (middle, y2 - 62), (middle + side * (8 + swing), y2 - 4), (60, 50, 44), 10)
    cv2.putText(picture, f"{i:06d}", (WIDTH - 110, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (235, 235, 235), 2)
    return picture


@cache
def jpeg(i: int) -> bytes:
    return bytes(cv2.imencode(".jpg", drawn(i % LOOP))[1].tobytes())


@cache
def encoded_yard() -> tuple[Encoded, ...]:
    """Eight seconds as a camera sends them, with a key frame each second."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    parameters = f"keyint={RATE}:min-keyint={RATE}:scenecut=0:bframes=0:repeat-headers=1"
    context.options = {"x264-params": parameters, "preset": "ultrafast", "tune": "zerolatency"}
    context.thread_count = 1
    packets = []
    for i in range(LOOP):
        frame = VideoFrame.from_ndarray(drawn(i), format="bgr24").reformat(format="yuv420p")
        frame.pts, frame.time_base = i, Fraction(1, RATE)
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple(Encoded(bytes(each), each.is_keyframe, each.dts or 0, each.pts or 0) for each in packets)


def packet(i: int, begin_ns: int) -> VideoPacket:
    """The yard's packet `i`, which comes so many tenths of a second after `begin_ns`."""
    each, at = encoded_yard()[i % LOOP], begin_ns + i * NS_PER_S // RATE
    return VideoPacket(each.content, VideoCodec.H264, WIDTH, HEIGHT, each.is_key, at, at, UtcNs(at), MonotonicNs(at))


class Sink(io.BytesIO):
    """Hands on what was written since it was last asked."""

    def taken(self) -> bytes:
        content = self.getvalue()
        self.seek(0)
        self.truncate()
        return content


def mime() -> str:
    """The codec's name as a browser wants it: profile, constraints and level stand in the parameter set."""
    content = encoded_yard()[0].content
    place = content.index(b"\0\0\1\x67") + 4
    return f'video/mp4; codecs="avc1.{content[place : place + 3].hex()}"'


@cache
def clip() -> bytes:
    sink = Sink()
    writer = ClipWriter(sink, packet(0, 0), "yard", "made")
    for i in range(1, LOOP):
        writer.write(packet(i, 0))
    writer.close()
    return sink.getvalue()


def captions() -> str:
    return "WEBVTT\n\n00:01.000 --> 00:06.000\nperson 0.91, somebody in the yard\n"


def event_id(at_ms: int, number: int) -> str:
    """A UUIDv7 of this time."""
    return str(uuid.UUID(int=at_ms << 80 | 7 << 76 | number << 64 | 2 << 62 | number))


def made_events(count: int, now_ms: int) -> list[dict[str, Any]]:
    """Newest first, a few minutes apart, of all kinds."""
    dice = random.Random(19)  # noqa: S311
    at, events = now_ms, []
    for number in range(count):
        at -= dice.randrange(60_000, 900_000)
        kind = dice.choices(_KINDS, (40, 15, 8, 10, 6, 2, 3))[0]
        is_seen = kind not in ("tamper", "camera_lost")
        score = round(dice.uniform(0.5, 0.99), 2) if is_seen else None
        x = dice.uniform(0.05, 0.8)
        events.append(
            {
                **dict.fromkeys(_FIELDS),
                "event_id": event_id(at, number % 4096),
                "camera_id": dice.choice(("yard", "gate")) if is_seen else "hall",
                "kind": kind,
                "phase": "raised" if number == 0 else "cleared",
                "severity": "critical" if kind == "tamper" else "warning",
                "label": "car" if kind == "vehicle" else "cat" if kind == "animal" else kind,
                "score": score,
                "threshold": 0.5 if is_seen else None,
                "zone": dice.choice(("path", None)) if is_seen else None,
                "rule": dice.choice(("somebody on the path", None)) if is_seen else None,
                "started_at": format_utc(UtcNs(at * 1_000_000)),
                "ended_at": None
                if number == 0
                else format_utc(UtcNs((at + dice.randrange(3_000, 90_000)) * 1_000_000)),
                "box": [x, 0.35, x + 0.1, 0.9] if is_seen else None,
                "reason_words": {"en": f"{kind} in view", "zh": "画面中有目标"},
                "picture": is_seen,
                "clips": [{"name": f"{number}.yard.1.mp4", "bytes": 1000, "seconds": 8.0}] if kind == "person" else [],
                "verdict": None,
                "held_back": number % 17 == 5,
            }
        )
    return events


def _settings() -> dict[str, Any]:
    return {
        "zones": {"path": [[0.1, 0.6], [0.6, 0.6], [0.8, 0.98], [0.02, 0.98]]},
        "lines": {"gate": [[0.7, 0.5], [0.7, 0.95]]},
        "masks": {},
        "ignored": {"tree": [[0.7, 0.2], [0.93, 0.2], [0.93, 0.6], [0.7, 0.6]]},
        "rules": {"somebody on the path": {"labels": ["person"], "zones": ["path"]}},
        "alerts_a_day": 1.0,
    }


def faults(settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the device's own readers say against zones, areas and lines."""
    found = []
    for group in ("zones", "masks", "ignored", "lines"):
        for name, points in settings.get(group, {}).items():
            try:
                corners = tuple((x, y) for x, y in points)
                line(name, corners, f"{group}.{name}") if group == "lines" else zone(name, corners, f"{group}.{name}")
            except SettingsError as error:
                found.append({"key": f"{group}.{name}", "words": str(error)})
    return found


@dataclass
class MadeConsole:
    """What the fake console knows, and what the page has asked of it."""

    password: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    armed: dict[str, bool] = field(default_factory=lambda: {"yard": True, "gate": True, "hall": False})
    settings: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {name: _settings() for name in ("yard", "gate")}
    )
    has_cameras: bool = True
    is_busy: bool = False
    """Nobody answers what is asked of the settings."""
    more: Sequence[Route] = ()
    set_aside: dict[str, dict[str, Any]] = field(default_factory=dict)
    curve: Sequence[Mapping[str, float]] = ()
    """Of every camera's learned scene."""
    signed_in: bool = False
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def revision(self, camera: str) -> str:
        """Names what holds for a camera."""
        return hashlib.sha256(json.dumps(self.settings[camera]).encode()).hexdigest()[:8]

    def cameras(self) -> list[dict[str, Any]]:
        """As in the answer of /api/cameras."""
        plain: dict[str, object] = {"width": WIDTH, "height": HEIGHT, "reason": ""}
        scene: dict[str, object] = {
            "stage": "learning",
            "hours": 31.5,
            "of_hours": 48.0,
            "budget": 1.0,
            "raised": 0,
            "drift": False,
        }
        seen = {"state": "running", "frames_per_second": 9.9}
        cameras = [
            {**plain, **seen, "id": "yard", "scene": scene},
            {**plain, **seen, "id": "gate", "scene": None},
            {**plain, "id": "hall", "state": "lost", "frames_per_second": 0.0, "reason": "Connection refused"}
            | {"scene": {**scene, "stage": "watching", "hours": 60}},
        ]
        return [{**camera, "armed": self.armed[str(camera["id"])]} for camera in cameras if self.has_cameras]

    def health(self) -> dict[str, Any]:
        """The document that inference sends."""
        scene = SceneHealth(SceneStage.LEARNING, 31.5, 48, 1, 0, drift=False)
        health = Health(
            thing_name("house"),
            DeviceState.RUNNING,
            "run",
            7,
            UtcNs(time.time_ns()),
            clock_synced=True,
            uptime_s=86_400 * 3,
            version="0.18.0",
            capture_version="0.18.0",
            model_name="ssd",
            model_version="3",
            outbox=OutboxHealth(waiting=2),
            cameras=(
                CameraHealth(camera_id("yard"), CameraCondition.RUNNING, 9.9, armed=True, scene=scene),
                CameraHealth(camera_id("hall"), CameraCondition.LOST, 0.0, armed=False),
            ),
        )
        answer: dict[str, Any] = json.loads(health.to_json())
        return answer


class ConsoleFake:
    """The routes, over one world."""

    def __init__(self, world: MadeConsole) -> None:
        self.world = world
        routes = [
            Route("/api/session", self.session, methods=["GET", "POST", "DELETE"]),
            Route("/api/cameras", self.cameras),
            Route("/api/events", self.events),
            Route("/api/events/{event}/picture", self.picture),
            Route("/api/events/{event}/verdict", self.verdict, methods=["POST"]),
            Route("/api/clips/{camera}/{name}", self.clips),
            Route("/api/filter", self.filter),
            *world.more,
            Route("/api/health", self.health),
            Route("/api/health/day", self.day),
            Route("/api/settings/{camera}", self.settings, methods=["GET", "POST"]),
            Route("/api/settings/{camera}/check", self.check, methods=["POST"]),
            Route("/api/arming", self.arming, methods=["POST"]),
            WebSocketRoute("/api/live/{camera}", self.live),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ]
        self.app = Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=self._guard)])

    async def _guard(self, request: Request, go_on: _Answer) -> Response:
        path, world = request.url.path, self.world
        if path.startswith("/api/") and path != "/api/session" and world.password and not world.signed_in:
            return JSONResponse({"error": "sign in first"}, 401)
        wants_token = request.method in ("POST", "DELETE") and (path, request.method) != ("/api/session", "POST")
        if wants_token and request.headers.get("X-Smartcam-Token") != world.token:
            return JSONResponse({"error": "the token is not this session's"}, 403)
        request.state.body = await request.body()
        answer = await go_on(request)
        answer.headers["Content-Security-Policy"] = CSP
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def session(self, request: Request) -> Response:
        world = self.world
        if request.method == "POST":
            if (await request.json())["password"] != world.password:
                return JSONResponse({"error": "that is not the password"}, 403)
            world.signed_in = True
        if request.method == "DELETE":
            world.signed_in = False
        signed_in = world.signed_in or not world.password
        token = world.token if signed_in else None
        about = {"signed_in": signed_in, "password_needed": bool(world.password), "token": token}
        return JSONResponse(about)

    async def cameras(self, _request: Request) -> Response:
        return JSONResponse({"cameras": self.world.cameras()})

    async def events(self, request: Request) -> Response:
        asked = request.query_params
        wanted = [
            event
            for event in self.world.events
            if all(asked.get(key) in (None, event[of]) for key, of in (("kind", "kind"), ("camera", "camera_id")))
            and asked.get("zone") in (None, event["zone"])
            and float(asked.get("min_score", 0)) <= (event["score"] or 0)
            and event["event_id"] < asked.get("before", "g")
        ]
        limit = int(asked.get("limit", 50))
        return JSONResponse({"events": wanted[:limit], "more": len(wanted) > limit})

    async def filter(self, _request: Request) -> Response:
        said = [event["verdict"] for event in self.world.events]
        counts = {"events": 40, "false": 12 + said.count(False), "true": 5, "held": 9, "held_false": 8, "held_true": 0}
        return JSONResponse({"filter": {"name": "events", "version": "3", "on_trial": True, **counts}, "words": ""})

    async def picture(self, request: Request) -> Response:
        event = self._event(request)
        x = event["box"][0] if event and event["box"] else 0
        return Response(jpeg(round((x - 0.05) / 0.8 * LOOP) % LOOP), media_type="image/jpeg")

    async def verdict(self, request: Request) -> Response:
        event, verdict = self._event(request), (await request.json())["verdict"]
        if event is None:
            return JSONResponse({"error": "there is no such event"}, 404)
        event["verdict"] = verdict
        self.world.asked.append(("verdict", event["event_id"], verdict))
        return JSONResponse({"verdict": verdict, "applied": True, "words": ""})

    async def clips(self, request: Request) -> Response:
        if request.path_params["name"].endswith(".vtt"):
            return Response(captions(), media_type="text/vtt")
        content, asked = clip(), request.headers.get("Range", "bytes=0-")
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
        about = {"Content-Range": f"bytes {begin}-{end}/{len(content)}", "Accept-Ranges": "bytes"}
        return Response(content[begin : end + 1], 206, about, "video/mp4")

    async def health(self, _request: Request) -> Response:
        heard_at = format_utc(UtcNs(time.time_ns()))
        return JSONResponse({"health": self.world.health(), "heard_at": heard_at, "replaced": []})

    async def day(self, _request: Request) -> Response:
        dice, now = random.Random(7), time.time_ns()  # noqa: S311
        minutes = [
            {
                "time": format_utc(UtcNs(now - (1440 - i) * 60 * NS_PER_S)),
                "dropped": int(dice.random() < 0.05),
                "outbox": max(0, 40 - abs(i - 700)),
                "cameras": {
                    name: [None if 600 < i < 640 else round(dice.gauss(9.8, 0.2), 1), round(dice.gauss(38, 6), 1)]
                    for name in ("yard", "gate")
                },
            }
            for i in range(1440)
        ]
        return JSONResponse({"minutes": minutes})

    async def settings(self, request: Request) -> Response:
        camera = request.path_params["camera"]
        if self.world.is_busy:
            return JSONResponse({"error": "smartcam.Capture did not answer within 5 s"}, 503)
        if camera not in self.world.settings:
            return JSONResponse({"error": f"{camera} has not said its settings"}, 404)
        if request.method == "GET":
            aside = self.world.set_aside.get(camera, {})
            differs = f"a later deployment has other {', '.join(aside)}" if aside else None
            known = {"settings": self.world.settings[camera], "revision": self.world.revision(camera)}
            return JSONResponse({**known, "differs": differs, "set_aside": aside, "curve": list(self.world.curve)})
        asked = await request.json()
        wanted = {**self.world.settings[camera], **asked["settings"]}
        errors = faults(wanted)
        if asked.get("revision") not in (None, self.world.revision(camera)):
            errors = [{"key": "revision", "words": "something else holds by now"}]
        if not errors:
            self.world.settings[camera] = wanted
            self.world.set_aside.pop(camera, None)
        self.world.asked.append(("settings", camera, wanted))
        yaml = f"smartcam.Inference:\n  cameras:\n    {camera}:\n      zones: {json.dumps(wanted['zones'])}\n"
        diff = (
            f"--- deployed\n+++ wished\n@@ -4 +4 @@\n-      zones: {{}}\n+      zones: {json.dumps(wanted['zones'])}\n"
        )
        return JSONResponse({"applied": not errors, "errors": errors, "yaml": yaml, "diff": diff})

    async def check(self, request: Request) -> Response:
        wanted = (await request.json())["settings"]
        then = 14 if wanted != self.world.settings[request.path_params["camera"]] else 41
        return JSONResponse({"errors": faults(wanted), "events_now": 41, "events_then": then, "days": DAYS})

    async def arming(self, request: Request) -> Response:
        asked = await request.json()
        for name in self.world.armed if asked["camera"] == "*" else [asked["camera"]]:
            self.world.armed[name] = asked["armed"]
        self.world.asked.append(("arming", asked["camera"], asked["armed"]))
        return JSONResponse({"applied": True, "words": ""})

    async def live(self, socket: WebSocket) -> None:
        await socket.accept()
        feed = {"gate": _send_jpeg, "hall": _send_loss}.get(socket.path_params["camera"], _send_video)
        feed = _send_jpeg if "as" in socket.query_params else feed
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await feed(socket)

    def _event(self, request: Request) -> dict[str, Any] | None:
        wanted = request.path_params["event"]
        return next((event for event in self.world.events if event["event_id"] == wanted), None)


def _view(i: int, at_ns: int) -> dict[str, Any]:
    walking = {"box": walker(i), "kind": "person", "label": "person", "score": 0.91, "event": True, "number": 1}
    parked = {
        "box": [0.75, 0.3, 0.9, 0.55],
        "kind": "motion",
        "label": "motion",
        "score": 0.55,
        "event": False,
        "number": 2,
    }
    scene = {"score": 0.62, "threshold": 0.8, "box": [0.1, 0.2, 0.35, 0.6]} if i % 40 < 20 else None
    return {
        "type": "view",
        "camera_id": "yard",
        "captured_mono_ns": at_ns,
        "objects": [walking, parked],
        "scene": scene,
    }


def _ticks(begin_ns: int) -> Iterator[tuple[int, int, float]]:
    """The number of each picture, its time, and the seconds to wait for it."""
    i = 0
    while True:
        at = begin_ns + i * NS_PER_S // RATE
        yield i, at, max(0.0, (at - time.monotonic_ns()) / NS_PER_S)
        i += 1


async def _send_video(socket: WebSocket) -> None:
    begin, sink, writer = time.monotonic_ns(), Sink(), None
    about = {"type": "video", "mime": mime(), "width": WIDTH, "height": HEIGHT, "start_mono_ns": begin}
    await socket.send_json(about)
    for i, at, wait in _ticks(begin):
        await asyncio.sleep(wait)
        if writer is None:
            writer = ClipWriter(sink, packet(0, begin), "live", "")
        else:
            writer.write(packet(i, begin))
        if content := sink.taken():
            await socket.send_bytes(content)
        if i % 2 == 0:
            await socket.send_json(_view(i, at))


async def _send_loss(socket: WebSocket) -> None:
    await socket.send_json({"type": "said", "words": "the camera is lost: Connection refused"})
    await socket.receive()


async def _send_jpeg(socket: WebSocket) -> None:
    await socket.send_json({"type": "jpeg", "width": WIDTH, "height": HEIGHT, "why": "the camera sends H.265"})
    for i, at, wait in _ticks(time.monotonic_ns()):
        await asyncio.sleep(wait)
        if i % 2 == 0:
            await socket.send_json({"type": "picture", "captured_mono_ns": at})
            await socket.send_bytes(jpeg(i % LOOP))
            await socket.send_json(_view(i, at))


@contextlib.contextmanager
def serving(world: MadeConsole) -> Iterator[str]:
    """The address of this console, which answers from a thread."""
    listening, over = listen("127.0.0.1", 0), threading.Event()
    thread = threading.Thread(target=serve, args=(ConsoleFake(world).app, listening, None, over.is_set))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        over.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8600)
    parser.add_argument("--password")
    arguments = parser.parse_args()
    world = MadeConsole(arguments.password, made_events(1000, time.time_ns() // 1_000_000))
    encoded_yard()
    uvicorn.run(ConsoleFake(world).app, host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
