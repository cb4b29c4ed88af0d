"""First use: which cameras are there. Only where somebody has handed in how to look, and only when a person asks."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_CANNOT: Final = "this console cannot look for cameras: run `smartcam cameras find` on a PC or on the device"


@dataclass(frozen=True, slots=True)
class CamerasAround:
    """What was found: `yaml` for `smartcam deploy --config`, and what there is to say besides."""

    yaml: str
    remarks: Sequence[str]


class CameraFinding:
    """The route that looks for cameras; one search at a time, however many ask."""

    def __init__(self, look: Callable[[], CamerasAround] | None) -> None:
        """`look` ends by itself, after seconds. None: nobody can look."""
        self._look = look
        self._one_at_a_time = threading.Lock()

    def routes(self) -> Sequence[Route]:
        """All of them. Their work is done in threads."""
        return (
            Route("/api/finding", self.can, methods=["GET"]),
            Route("/api/finding", self.find, methods=["POST"]),
        )

    def can(self, _: Request) -> Response:
        """Whether there is somebody to look."""
        return JSONResponse({"can_find": self._look is not None})

    def find(self, _: Request) -> Response:
        """Look now. Raises HTTPException where that cannot be."""
        if self._look is None:
            raise HTTPException(404, _CANNOT)
        if not self._one_at_a_time.acquire(blocking=False):
            raise HTTPException(409, "somebody looks for cameras just now: try again in a few seconds")
        try:
            around = self._look()
        finally:
            self._one_at_a_time.release()
        return JSONResponse({"yaml": around.yaml, "remarks": list(around.remarks)})
