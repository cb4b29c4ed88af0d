"""What is only looked at: cameras, health, events, and what is kept of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from smartcam.console.clips import Clips
from smartcam.console.heard import HeardCamera, HeardDevice
from smartcam.console.sockets import live_of
from smartcam.console.wishes import Wishing
from smartcam.contract.health import CameraHealth, Health
from smartcam.contract.ids import CameraId, camera_id
from smartcam.contract.reading import parse_object
from smartcam.contract.times import format_utc
from smartcam.edge.clip_name import CAPTIONS
from smartcam.edge.replaced import Replacement
from smartcam.edge.ring.packet_ring import PacketRingReader


class Looking:
    """The routes that change nothing. Their work is done in threads: disks are slow."""

    def __init__(
        self,
        heard: HeardDevice,
        clips: Clips,
        wishes: Wishing,
        open_packets: Callable[[CameraId], PacketRingReader],
        replaced: Callable[[], Mapping[str, Replacement]] = dict,
    ) -> None:
        """`replaced`: which components had to be replaced lately."""
        self._heard = heard
        self._clips = clips
        self._wishes = wishes
        self._open_packets = open_packets
        self._replaced = replaced

    def routes(self) -> Sequence[Route]:
        """All of them, for GET."""
        return (
            Route("/api/cameras", self.cameras),
            Route("/api/health", self.health),
            Route("/api/health/day", self.day),
            Route("/api/clips/{camera}/{name}", self.clip),
        )

    def cameras(self, _: Request) -> Response:
        """How each camera is, and how it can be looked at."""
        health, _at = self._heard.last_health
        of_health = {} if health is None else {one.camera_id: one for one in health.cameras}
        heard = self._heard.cameras
        unheard = HeardCamera(None, "", 0.0, None)
        names = sorted({*heard, *of_health})
        return JSONResponse(
            {"cameras": [self._camera(name, heard.get(name, unheard), of_health.get(name)) for name in names]}
        )

    def health(self, _: Request) -> Response:
        """What the device says of itself, as it says it to the cloud, and what was replaced."""
        health, at = self._heard.last_health
        document = None if health is None else _document(health)
        replaced = [
            {"component": name, "at": format_utc(one.at_ns), **asdict(one)} for name, one in self._replaced().items()
        ]
        heard_at = None if health is None else format_utc(at)
        return JSONResponse({"health": document, "heard_at": heard_at, "replaced": replaced})

    def day(self, _: Request) -> Response:
        """The last day, a point a minute."""
        return JSONResponse(self._heard.day())

    def clip(self, request: Request) -> Response:
        """A clip or its captions, in ranges where they are asked for. Raises ContractError."""
        camera, name = camera_id(request.path_params["camera"]), request.path_params["name"]
        path = self._clips.path(camera, name)
        if path is None:
            raise HTTPException(404, "there is no such clip: it may have made room for newer ones")
        return FileResponse(path, media_type="text/vtt" if name.endswith(CAPTIONS) else "video/mp4")

    def _camera(self, name: CameraId, heard: HeardCamera, health: CameraHealth | None) -> dict[str, object]:
        live, why = live_of(lambda: self._open_packets(name), self._heard.newest(name))
        width, height = heard.size or (None, None)
        armed = health is None or health.armed is not False
        held = self._wishes.holding(name)
        until = held.armed_until if held is not None and held.armed is armed else None
        return {
            "id": name,
            "state": heard.state or "unknown",
            "reason": heard.reason,
            "frames_per_second": heard.frames_per_second,
            "width": width,
            "height": height,
            "live": live,
            "live_why": why,
            "armed": armed,
            "armed_until": None if until is None else format_utc(until),
            "scene": None if health is None or health.scene is None else health.scene.document(),
        }


def _document(health: Health) -> dict[str, object]:
    return parse_object(health.to_json(), "health")
