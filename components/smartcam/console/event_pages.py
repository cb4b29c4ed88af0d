"""Events that have been, with their pictures and clips."""

import threading
from collections.abc import Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smartcam.console.clips import Clips
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, EventKind
from smartcam.contract.ids import CameraId, EventId, camera_id, event_id
from smartcam.contract.reasons import CAUSES, LANGUAGES, REASONS
from smartcam.contract.times import format_utc
from smartcam.edge.history.past import EventChoice, PastEvent
from smartcam.edge.history.reading import MOST_OF_A_PAGE, PastEvents

_LIMIT: Final = 50
_NO_SUCH: Final = "there is no such event: it may have made room for newer ones"


class EventPages:
    """The routes of the history. Safe to use from any thread."""

    def __init__(self, history: PastEvents, clips: Clips) -> None:
        self._history = history
        self._clips = clips
        self._one_at_a_time = threading.Lock()

    def routes(self) -> Sequence[Route]:
        """All of them, for GET."""
        return Route("/api/events", self.page), Route("/api/events/{event}/picture", self.picture)

    def page(self, request: Request) -> Response:
        """The newest events, or those before one of them. Raises ContractError naming a query that makes no sense."""
        query = request.query_params
        before = event_id(query["before"], "before") if query.get("before") else None
        limit = int(_number(request, "limit", _LIMIT, 1, MOST_OF_A_PAGE))
        chosen = EventChoice(
            camera=camera_id(query["camera"], "camera") if query.get("camera") else None,
            kind=_kind(query["kind"]) if query.get("kind") else None,
            zone=query.get("zone") or None,
            least_score=_number(request, "min_score", 0.0, 0.0, 1.0),
        )
        with self._one_at_a_time:
            self._history.refresh()
            found = self._history.page(chosen, before=before, limit=limit)
        clips = self._clips.by_event()
        events = [_document(past, clips.get(past.event.event_id, [])) for past in found.events]
        return JSONResponse({"events": events, "more": found.more})

    def picture(self, request: Request) -> Response:
        """An event's picture. Raises ContractError, HTTPException."""
        event = event_id(request.path_params["event"])
        with self._one_at_a_time:
            self._history.refresh()
            picture = self._history.picture(event)
        if picture is None:
            raise HTTPException(404, "there is no picture of this event: it may have made room for newer ones")
        return Response(picture, media_type="image/jpeg")

    def camera_of(self, event: EventId) -> CameraId:
        """Whose event it is. Raises HTTPException where it is not there."""
        with self._one_at_a_time:
            self._history.refresh()
            past = self._history.event(event)
        if past is None:
            raise HTTPException(404, _NO_SUCH)
        return past.event.camera_id


def _kind(word: str) -> EventKind:
    try:
        return EventKind(word)
    except ValueError as error:
        raise ContractError("kind", f"must be one of {', '.join(EventKind)}") from error


def _number(request: Request, key: str, default: float, lowest: float, highest: float) -> float:
    try:
        number = float(request.query_params.get(key) or default)
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:  # false for NaN
        raise ContractError(key, f"must be a number from {lowest:g} to {highest:g}")
    return number


def _document(past: PastEvent, clips: Sequence[dict[str, object]]) -> dict[str, object]:
    event = past.event
    box = event.box
    return {
        "event_id": event.event_id,
        "camera_id": event.camera_id,
        "kind": event.kind,
        "phase": event.phase,
        "severity": event.severity,
        "label": event.label,
        "score": event.score,
        "threshold": event.threshold,
        "zone": event.zone,
        "rule": event.rule,
        "started_at": format_utc(event.started_at),
        "ended_at": None if event.ended_at is None else format_utc(event.ended_at),
        "box": None if box is None else [box.x1, box.y1, box.x2, box.y2],
        "reason_words": _reason(event),
        "picture": past.has_picture,
        "clips": list(clips),
        "verdict": past.verdict,
        "held_back": event.is_held_back,
    }


def _reason(event: Event) -> dict[str, str] | None:
    """Why there is an event, by language; None where a model has recognised something, which the label says."""
    words = (CAUSES.get((event.kind, word)) for word in (event.label, event.cause) if word is not None)
    found = next(filter(None, words), REASONS.get(event.kind))
    return None if found is None else dict(zip(LANGUAGES, found, strict=True))
