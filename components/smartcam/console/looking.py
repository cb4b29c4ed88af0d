"""What is only looked at: cameras, health, events that have been, with their pictures and clips."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from smartcam.console.heard import HeardCamera, HeardDevice
from smartcam.contract.event import Event, EventKind
from smartcam.contract.health import CameraHealth
from smartcam.contract.ids import CameraId, EventId, camera_id, event_id
from smartcam.contract.reading import Fields, parse_object
from smartcam.contract.reasons import CAUSES, LANGUAGES, REASONS
from smartcam.contract.times import format_utc
from smartcam.edge.clip_name import CAPTIONS, ClipName
from smartcam.edge.history.past import EventChoice
from smartcam.edge.history.reading import MOST_OF_A_PAGE, PastEvents
from smartcam.edge.replaced import Replacement
from smartcam.edge.settings import Settings


class Clips:
    """Reads what is there. Names are read by their form, and a folder is asked for no others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def by_event(self) -> Mapping[EventId, list[dict[str, object]]]:
        """The finished parts of each event's clip, in order; nothing where the folder cannot be read."""
        found: dict[EventId, list[dict[str, object]]] = defaultdict(list)
        # Where clips are not kept, or the disk is gone; and one may go while we look.
        with suppress(OSError), os.scandir(self._folder) as entries:
            named = {name: entry for entry in entries if (name := ClipName.read(entry.name)) is not None}
            for name, entry in sorted(named.items()):
                if entry.is_file(follow_symlinks=False):
                    size = entry.stat(follow_symlinks=False).st_size
                    found[name.event].append({"name": str(name), "bytes": size})
        return found

    def path(self, camera: CameraId, name: str) -> Path | None:
        """The file of a camera's clip or of its captions; None where there is none of this name."""
        clip = ClipName.read(name.removesuffix(CAPTIONS) + ".mp4" if name.endswith(CAPTIONS) else name)
        path = self._folder / name
        is_there = clip is not None and clip.camera == camera and path.is_file() and not path.is_symlink()
        return path if is_there else None


@dataclass
class Looking:
    """The routes that change nothing. Their work is done in threads: disks are slow."""

    heard: HeardDevice
    history: PastEvents
    clips: Clips
    replaced: Callable[[], Mapping[str, Replacement]] = dict
    """Which components had to be replaced lately."""
    one_at_a_time: Lock = field(default_factory=Lock)

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
        """How each camera is."""
        health, _at = self.heard.last_health
        of_health = {} if health is None else {one.camera_id: one for one in health.cameras}
        heard = self.heard.cameras
        names = sorted({*heard, *of_health})
        cameras = [_camera(name, heard.get(name, HeardCamera()), of_health.get(name)) for name in names]
        return JSONResponse({"cameras": cameras})

    def health(self, _: Request) -> Response:
        """What the device says of itself, as it says it to the cloud, and what was replaced."""
        health, at = self.heard.last_health
        document = None if health is None else parse_object(health.to_json(), "health")
        lately = self.replaced().items()
        replaced = [{"component": name, "at": format_utc(one.at_ns), **asdict(one)} for name, one in lately]
        heard_at = None if health is None else format_utc(at)
        return JSONResponse({"health": document, "heard_at": heard_at, "replaced": replaced})

    def day(self, _: Request) -> Response:
        """The last day, a point a minute."""
        return JSONResponse({"minutes": self.heard.day()})

    def clip(self, request: Request) -> Response:
        """A clip or its captions, in ranges where they are asked for. Raises ContractError."""
        camera, name = camera_id(request.path_params["camera"]), request.path_params["name"]
        if (path := self.clips.path(camera, name)) is None:
            raise HTTPException(404, "there is no such clip: it may have made room for newer ones")
        return FileResponse(path, media_type="text/vtt" if name.endswith(CAPTIONS) else "video/mp4")

    def events(self, request: Request) -> Response:
        """The newest events, or those before one of them. Raises what `asked_for` raises."""
        chosen, before, limit = asked_for(request.query_params)
        with self._now() as history:
            found = history.page(chosen, before=before, limit=limit)
        clips = self.clips.by_event()
        events = [
            {
                **past.event.document(),
                "reason_words": _reason(past.event),
                "picture": past.has_picture,
                "clips": clips.get(past.event.event_id, []),
                "verdict": past.verdict,
                "held_back": past.event.is_held_back,
            }
            for past in found.events
        ]
        return JSONResponse({"events": events, "more": found.more})

    def picture(self, request: Request) -> Response:
        """An event's picture. Raises ContractError, HTTPException."""
        event = event_id(request.path_params["event"])
        with self._now() as history:
            if (picture := history.picture(event)) is None:
                raise HTTPException(404, "there is no picture of this event: it may have made room for newer ones")
        return Response(picture, media_type="image/jpeg")

    def camera_of(self, event: EventId) -> CameraId:
        """Whose event it is. Raises HTTPException where it is not there."""
        with self._now() as history:
            if (past := history.event(event)) is None:
                raise HTTPException(404, "there is no such event: it may have made room for newer ones")
        return past.event.camera_id

    @contextmanager
    def _now(self) -> Iterator[PastEvents]:
        with self.one_at_a_time:
            self.history.refresh()
            yield self.history


def _camera(name: CameraId, heard: HeardCamera, health: CameraHealth | None) -> dict[str, object]:
    armed, scene = (True, None) if health is None else (health.armed is not False, health.scene)
    return {"id": name, **heard.document(), "armed": armed, "scene": None if scene is None else scene.document()}


def asked_for(query: Mapping[str, str]) -> tuple[EventChoice, EventId | None, int]:
    """Which events, before which one, and how many. Raises ContractError or SettingsError for what makes no sense."""
    said = {key: text for key, text in query.items() if text}
    fields, numbers = Fields(said), Settings(said)
    chosen = EventChoice(
        camera=camera_id(fields.text("camera"), "camera") if fields.has("camera") else None,
        kind=fields.choice("kind", EventKind) if fields.has("kind") else None,
        zone=fields.optional_text("zone"),
        least_score=numbers.number("min_score", 0, 0, 1),
    )
    before = event_id(fields.text("before"), "before") if fields.has("before") else None
    return chosen, before, numbers.integer("limit", 50, 1, MOST_OF_A_PAGE)


def _reason(event: Event) -> dict[str, str] | None:
    """Why there is an event, and why the learned scene finds it unusual; None where a model's label says it all."""
    words = (CAUSES.get((event.kind, word)) for word in (event.label, event.cause) if word is not None)
    why = next(filter(None, words), REASONS.get(event.kind)), CAUSES.get((EventKind.ANOMALY, event.scene_reason or ""))
    return {key: " · ".join(say) for key, *say in zip(LANGUAGES, *filter(None, why), strict=True)} if any(why) else None
