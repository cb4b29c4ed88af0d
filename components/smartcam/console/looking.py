"""What is only looked at: cameras, health, events that have been, with their pictures and clips."""

import os
import stat
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from smartcam.console.heard import HeardCamera, HeardDevice
from smartcam.console.sockets import live_of
from smartcam.console.wishes import Wishing
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, EventKind
from smartcam.contract.health import CameraHealth
from smartcam.contract.ids import CameraId, EventId, camera_id, event_id
from smartcam.contract.reading import parse_object
from smartcam.contract.reasons import CAUSES, LANGUAGES, REASONS
from smartcam.contract.times import format_utc
from smartcam.edge.clip_name import CAPTIONS, ClipName
from smartcam.edge.history.past import EventChoice, PastEvent
from smartcam.edge.history.reading import MOST_OF_A_PAGE, PastEvents
from smartcam.edge.replaced import Replacement
from smartcam.edge.ring.packet_ring import PacketRingReader

_LIMIT: Final = 50


class Clips:
    """Reads what is there. Names are read by their form, and a folder is asked for no others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def by_event(self) -> Mapping[EventId, list[dict[str, object]]]:
        """The finished parts of each event's clip, in order; nothing where the folder cannot be read."""
        found: dict[EventId, list[tuple[ClipName, int]]] = defaultdict(list)
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    name = ClipName.read(entry.name)
                    if name is not None and entry.is_file(follow_symlinks=False):
                        found[name.event].append((name, entry.stat(follow_symlinks=False).st_size))
        except OSError:  # clips are not kept, or the disk is gone; a clip may go while we look
            pass
        return {
            event: [{"name": str(name), "bytes": size} for name, size in sorted(parts)]
            for event, parts in found.items()
        }

    def path(self, camera: CameraId, name: str) -> Path | None:
        """The file of a camera's clip or of its captions; None where there is none of this name."""
        is_captions = name.endswith(CAPTIONS)
        clip = ClipName.read(name.removesuffix(CAPTIONS) + ".mp4" if is_captions else name)
        if clip is None or clip.camera != camera:
            return None
        path = self._folder / name
        try:
            return path if stat.S_ISREG(path.lstat().st_mode) else None
        except OSError:
            return None


class Looking:
    """The routes that change nothing. Their work is done in threads: disks are slow."""

    def __init__(
        self,
        heard: HeardDevice,
        history: PastEvents,
        clips: Clips,
        wishes: Wishing,
        open_packets: Callable[[CameraId], PacketRingReader],
        replaced: Callable[[], Mapping[str, Replacement]] = dict,
    ) -> None:
        """`replaced`: which components had to be replaced lately."""
        self._heard = heard
        self._history = history
        self._one_at_a_time = threading.Lock()
        self._clips = clips
        self._wishes = wishes
        self._open_packets = open_packets
        self._replaced = replaced

    def routes(self) -> Sequence[Route]:
        """All of them, for GET."""
        return (
            Route("/api/cameras", self.cameras),
            Route("/api/events", self.events),
            Route("/api/events/{event}/picture", self.picture),
            Route("/api/health", self.health),
            Route("/api/health/day", self.day),
            Route("/api/clips/{camera}/{name}", self.clip),
        )

    def cameras(self, _: Request) -> Response:
        """How each camera is, and how it can be looked at."""
        health, _at = self._heard.last_health
        of_health = {} if health is None else {one.camera_id: one for one in health.cameras}
        heard = self._heard.cameras
        unheard = HeardCamera(None, "", 0.0, None, None)
        names = sorted({*heard, *of_health})
        return JSONResponse(
            {"cameras": [self._camera(name, heard.get(name, unheard), of_health.get(name)) for name in names]}
        )

    def health(self, _: Request) -> Response:
        """What the device says of itself, as it says it to the cloud, and what was replaced."""
        health, at = self._heard.last_health
        document = None if health is None else parse_object(health.to_json(), "health")
        replaced = [
            {"component": name, "at": format_utc(one.at_ns), **asdict(one)} for name, one in self._replaced().items()
        ]
        heard_at = None if health is None else format_utc(at)
        return JSONResponse({"health": document, "heard_at": heard_at, "replaced": replaced})

    def day(self, _: Request) -> Response:
        """The last day, a point a minute."""
        return JSONResponse({"minutes": self._heard.day()})

    def clip(self, request: Request) -> Response:
        """A clip or its captions, in ranges where they are asked for. Raises ContractError."""
        camera, name = camera_id(request.path_params["camera"]), request.path_params["name"]
        path = self._clips.path(camera, name)
        if path is None:
            raise HTTPException(404, "there is no such clip: it may have made room for newer ones")
        return FileResponse(path, media_type="text/vtt" if name.endswith(CAPTIONS) else "video/mp4")

    def events(self, request: Request) -> Response:
        """The newest events, or those before one of them. Raises ContractError naming a query that makes no sense."""
        chosen, before, limit = asked_for(request.query_params)
        with self._now() as history:
            found = history.page(chosen, before=before, limit=limit)
        clips = self._clips.by_event()
        events = [_document(past, clips.get(past.event.event_id, [])) for past in found.events]
        return JSONResponse({"events": events, "more": found.more})

    def picture(self, request: Request) -> Response:
        """An event's picture. Raises ContractError, HTTPException."""
        event = event_id(request.path_params["event"])
        with self._now() as history:
            picture = history.picture(event)
        if picture is None:
            raise HTTPException(404, "there is no picture of this event: it may have made room for newer ones")
        return Response(picture, media_type="image/jpeg")

    def camera_of(self, event: EventId) -> CameraId:
        """Whose event it is. Raises HTTPException where it is not there."""
        with self._now() as history:
            past = history.event(event)
        if past is None:
            raise HTTPException(404, "there is no such event: it may have made room for newer ones")
        return past.event.camera_id

    @contextmanager
    def _now(self) -> Iterator[PastEvents]:
        with self._one_at_a_time:
            self._history.refresh()
            yield self._history

    def _camera(self, name: CameraId, heard: HeardCamera, health: CameraHealth | None) -> dict[str, object]:
        live, why = live_of(lambda: self._open_packets(name), self._heard.newest(name))
        armed = health is None or health.armed is not False
        held = self._wishes.holding(name)
        until = held.armed_until if held is not None and held.armed is armed else None
        return {
            **asdict(heard),
            "id": name,
            "state": heard.state or "unknown",
            "live": live,
            "live_why": why,
            "armed": armed,
            "armed_until": None if until is None else format_utc(until),
            "scene": None if health is None or health.scene is None else health.scene.document(),
        }


def asked_for(query: Mapping[str, str]) -> tuple[EventChoice, EventId | None, int]:
    """Which events, before which one, and how many. Raises ContractError naming what makes no sense."""
    chosen = EventChoice(
        camera=camera_id(query["camera"], "camera") if query.get("camera") else None,
        kind=_kind(query["kind"]) if query.get("kind") else None,
        zone=query.get("zone") or None,
        least_score=_number(query, "min_score", 0.0, 0.0, 1.0),
    )
    before = event_id(query["before"], "before") if query.get("before") else None
    return chosen, before, int(_number(query, "limit", _LIMIT, 1, MOST_OF_A_PAGE))


def _kind(word: str) -> EventKind:
    try:
        return EventKind(word)
    except ValueError as error:
        raise ContractError("kind", f"must be one of {', '.join(EventKind)}") from error


def _number(query: Mapping[str, str], key: str, default: float, lowest: float, highest: float) -> float:
    try:
        number = float(query.get(key) or default)
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:  # false for NaN
        raise ContractError(key, f"must be a number from {lowest:g} to {highest:g}")
    return number


def _document(past: PastEvent, clips: Sequence[dict[str, object]]) -> dict[str, object]:
    return {
        **past.event.document(),
        "reason_words": _reason(past.event),
        "picture": past.has_picture,
        "clips": list(clips),
        "verdict": past.verdict,
        "held_back": past.event.is_held_back,
    }


def _reason(event: Event) -> dict[str, str] | None:
    """Why there is an event, and why the learned scene finds it unusual; None where a model's label says it all."""
    words = (CAUSES.get((event.kind, word)) for word in (event.label, event.cause) if word is not None)
    why = next(filter(None, words), REASONS.get(event.kind)), CAUSES.get((EventKind.ANOMALY, event.scene_reason or ""))
    return {key: " · ".join(say) for key, *say in zip(LANGUAGES, *filter(None, why), strict=True)} if any(why) else None
