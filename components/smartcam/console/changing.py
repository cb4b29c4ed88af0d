"""What people may change here: settings, verdicts and arming. Each is a wish that its owner grants or refuses."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smartcam.console.deployable import difference, yaml_of
from smartcam.console.event_pages import EventPages
from smartcam.console.wishes import NoAnswer, Wishing
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId, camera_id, event_id
from smartcam.contract.reading import Fields, parse_object
from smartcam.contract.times import parse_utc
from smartcam.contract.wish import (
    SETTABLE,
    FilterAsk,
    LocalArming,
    LocalVerdict,
    SettingsAsk,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishError,
    WishMessage,
    wish_errors,
)
from smartcam.edge.replaying import replayed
from smartcam.vision.journal import JournalRow

_OWNERS: Final = tuple(SettingsOwner)
_UNKNOWN: Final = "is no setting that can be changed here; change it in the deployment's file"


class Changing:
    """The routes that change something. They wait for answers, so each runs in a thread."""

    def __init__(self, wishes: Wishing, event_pages: EventPages, journal: Callable[[], Iterable[JournalRow]]) -> None:
        """`journal`: all rows of the track journal, the oldest first."""
        self._wishes = wishes
        self._events = event_pages
        self._journal = journal
        self._one_replay_at_a_time = threading.Lock()
        """It reads megabytes."""

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return (
            Route("/api/events/{event}/verdict", self._answering(self.judge), methods=["POST"]),
            Route("/api/settings/{camera}", self._answering(self.settings), methods=["GET"]),
            Route("/api/settings/{camera}", self._answering(self.save), methods=["POST"]),
            Route("/api/settings/{camera}/check", self._answering(self.check), methods=["POST"]),
            Route("/api/filter", self._answering(self.filter), methods=["GET"]),
            Route("/api/arming", self._answering(self.arm), methods=["POST"]),
        )

    def judge(self, request: Request, fields: Fields) -> dict[str, object]:
        """Whether an event was one; null takes back what was said."""
        event = event_id(request.path_params["event"])
        verdict = fields.boolean("verdict") if fields.has("verdict") else None
        camera = self._events.camera_of(event)
        applied, words = self._done(LocalVerdict(self._wishes.new_id(), camera, event, verdict))
        return {"verdict": verdict, "applied": applied, "words": words}

    def filter(self, _: Request, __: Fields) -> dict[str, object]:
        """What the event filter makes of the newest events; null where there is none, and why."""
        answer = self._wishes.say(FilterAsk(self._wishes.new_id()), SettingsOwner.INFERENCE)[SettingsOwner.INFERENCE]
        return {"filter": None if answer.preview is None else asdict(answer.preview), "words": _words(answer)}

    def arm(self, _: Request, fields: Fields) -> dict[str, object]:
        """Arm or disarm a camera or, with `*`, the device."""
        name = fields.text("camera")
        camera = None if name == "*" else camera_id(name, "camera")
        until = parse_utc(fields.text("until"), "until") if fields.has("until") else None
        applied, words = self._done(LocalArming(self._wishes.new_id(), camera, fields.boolean("armed"), until))
        return {"applied": applied, "words": words}

    def settings(self, request: Request, _: Fields) -> dict[str, object]:
        """What holds for a camera."""
        camera = camera_id(request.path_params["camera"])
        held = self._held(camera)
        holds = {owner: one.holds for owner, one in held.items() if one.holds}
        return {
            "settings": _settings(held),
            "revision": json.dumps({owner: one.revision for owner, one in holds.items()}),
            "differs": "; ".join(one.differs for one in holds.values() if one.differs) or None,
            "set_aside": {key: value for one in holds.values() for key, value in one.set_aside.items()},
        }

    def check(self, request: Request, fields: Fields) -> dict[str, object]:
        """What is wrong with settings, and what they would have made of the last days."""
        camera, wanted = camera_id(request.path_params["camera"]), fields.inner("settings").document
        held = self._held(camera)
        errors = self._wish(camera, held, wanted, trial=True)
        document: dict[str, object] = {"errors": _errors(errors), "events_now": 0, "events_then": 0, "days": 0.0}
        inference = held.get(SettingsOwner.INFERENCE)
        if errors or inference is None or inference.holds is None:
            return document
        now = {**inference.holds.besides, **inference.holds.settings}
        then = {key: value for key, value in {**now, **wanted}.items() if value is not None}
        zone = now.get("timezone")
        with self._one_replay_at_a_time:
            try:
                found = replayed(camera, self._journal(), now, then, zone if isinstance(zone, str) else "UTC")
            except SettingsError as error:
                return {**document, "errors": _errors(wish_errors(error))}
        return {**document, "events_now": found.events_now, "events_then": found.events_then, "days": found.days}

    def save(self, request: Request, fields: Fields) -> dict[str, object]:
        """Change settings: all that are named, or none. Says them as text for a deployment, too."""
        camera, wanted = camera_id(request.path_params["camera"]), fields.inner("settings").document
        held = self._held(camera)
        revisions = _revisions(fields.optional_text("revision"))
        errors = self._wish(camera, held, wanted, trial=True, revisions=revisions)
        errors = errors or self._wish(camera, held, wanted, trial=False, revisions=revisions)
        before = _settings(held)
        texts = yaml_of(camera, before), yaml_of(camera, {**before, **wanted})
        return {"applied": not errors, "errors": _errors(errors), "yaml": texts[1], "diff": difference(*texts)}

    def _wish(
        self,
        camera: CameraId,
        held: Mapping[SettingsOwner, WishAnswer],
        wanted: Mapping[str, object],
        *,
        trial: bool,
        revisions: Mapping[str, object] = MappingProxyType({}),
    ) -> tuple[WishError, ...]:
        """What speaks against settings. Each owner is asked for those of its keys that change."""
        before = _settings(held)
        known = {key for keys in SETTABLE.values() for key in keys}
        errors = [WishError(str(key), _UNKNOWN) for key in wanted if key not in known]
        for owner in [] if errors else _OWNERS:
            own = {key: wanted[key] for key in SETTABLE[owner] if key in wanted and wanted[key] != before.get(key)}
            if own:
                revision = revisions.get(owner)
                stated = revision if isinstance(revision, str) else None
                errors += self._refused(SettingsWish(self._wishes.new_id(), camera, owner, own, trial, stated))
        return tuple(errors)

    def _refused(self, wish: SettingsWish) -> Sequence[WishError]:
        """What the owner of the settings says against them."""
        answer = self._wishes.say(wish, wish.owner)[wish.owner]
        is_taken = answer.applied or wish.trial
        return answer.errors or (() if is_taken else (WishError("settings", "were not applied"),))

    def _held(self, camera: CameraId) -> dict[SettingsOwner, WishAnswer]:
        """Raises NoAnswer, HTTPException where there is no such camera."""
        held = self._wishes.say(SettingsAsk(self._wishes.new_id(), camera), *_OWNERS)
        if not any(answer.holds for answer in held.values()):
            raise HTTPException(404, f"{camera}: {_words(next(iter(held.values()))) or 'is no camera of this device'}")
        return held

    def _done(self, message: WishMessage) -> tuple[bool, str]:
        answer = self._wishes.say(message, SettingsOwner.INFERENCE)[SettingsOwner.INFERENCE]
        return answer.applied, _words(answer)

    def _answering(self, do: Callable[[Request, Fields], dict[str, object]]) -> Callable[[Request], object]:
        """A route: the request's document is read before a thread takes it up."""

        def answered(request: Request, fields: Fields) -> Response:
            try:
                return JSONResponse(do(request, fields))
            except NoAnswer as error:
                return JSONResponse({"error": str(error)}, 503)

        async def route(request: Request) -> Response:
            body = await request.body() if request.method == "POST" else b"{}"
            return await run_in_threadpool(answered, request, Fields(parse_object(body, "request")))

        return route


def _settings(held: Mapping[SettingsOwner, WishAnswer]) -> dict[str, object]:
    return {key: value for one in held.values() if one.holds for key, value in one.holds.settings.items()}


def _revisions(text: str | None) -> Mapping[str, object]:
    return {} if text is None else parse_object(text, "revision")


def _errors(errors: Iterable[WishError]) -> list[dict[str, str]]:
    return [{"key": each.key, "words": each.words} for each in errors]


def _words(answer: WishAnswer) -> str:
    return "; ".join(f"{each.key}: {each.words}" for each in answer.errors)
