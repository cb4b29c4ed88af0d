"""What people may change here: settings, verdicts and arming. Each is a wish that its owner grants or refuses."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smartcam.console.deployable import difference, yaml_of
from smartcam.console.door import fields_of
from smartcam.console.wishes import Wishing
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId, EventId, camera_id, event_id
from smartcam.contract.reading import parse_object
from smartcam.contract.times import format_utc, parse_utc
from smartcam.contract.wish import (
    SETTABLE,
    FilterAsk,
    Holding,
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
from smartcam.edge.replaying import Replayed, replayed
from smartcam.vision.journal import JournalRow

_UNKNOWN: Final = "is no setting that can be changed here; change it in the deployment's file"


@dataclass
class Changing:
    """The routes that change something. They wait for answers, so each runs in a thread."""

    wishes: Wishing
    camera_of: Callable[[EventId], CameraId]
    journal: Callable[[], Iterable[JournalRow]]
    """All rows of the track journal, the oldest first."""
    one_replay_at_a_time: Lock = field(default_factory=Lock)
    """It reads megabytes."""

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return (
            Route("/api/events/{event}/verdict", self.judge, methods=["POST"]),
            Route("/api/settings/{camera}", self.settings),
            Route("/api/settings/{camera}", self.save, methods=["POST"]),
            Route("/api/settings/{camera}/check", self.check, methods=["POST"]),
            Route("/api/filter", self.filter),
            Route("/api/arming", self.arm, methods=["POST"]),
        )

    def judge(self, request: Request) -> Response:
        """Whether an event was one; null takes back what was said."""
        fields, event = fields_of(request), event_id(request.path_params["event"])
        verdict = fields.boolean("verdict") if fields.has("verdict") else None
        camera = self.camera_of(event)
        return self._said(LocalVerdict(self.wishes.new_id(), camera, event, verdict), verdict=verdict)

    def filter(self, _: Request) -> Response:
        """What the event filter makes of the newest events; null where there is none, and why."""
        answer = self.wishes.ask(FilterAsk(self.wishes.new_id()), SettingsOwner.INFERENCE)
        preview = None if answer.preview is None else asdict(answer.preview)
        return JSONResponse({"filter": preview, "words": _words(answer)})

    def arm(self, request: Request) -> Response:
        """Arm or disarm a camera or, with `*`, the device."""
        fields = fields_of(request)
        name = fields.text("camera")
        camera = None if name == "*" else camera_id(name, "camera")
        until = parse_utc(fields.text("until"), "until") if fields.has("until") else None
        return self._said(LocalArming(self.wishes.new_id(), camera, fields.boolean("armed"), until))

    def settings(self, request: Request) -> Response:
        """What holds for a camera."""
        held = self._held(camera_id(request.path_params["camera"]))
        until = next((one.armed_until for one in held.values() if one.armed_until is not None), None)
        document = {
            "settings": _settings(held),
            "revision": json.dumps({owner: one.revision for owner, one in held.items()}),
            "differs": "; ".join(one.differs for one in held.values() if one.differs) or None,
            "set_aside": {key: value for one in held.values() for key, value in one.set_aside.items()},
            "armed_until": None if until is None else format_utc(until),
            "curve": [asdict(point) for one in held.values() for point in one.curve],
        }
        return JSONResponse(document)

    def check(self, request: Request) -> Response:
        """What is wrong with settings, and what they would have made of the last days."""
        camera, wanted = camera_id(request.path_params["camera"]), fields_of(request).inner("settings").document
        held = self._held(camera)
        errors = self._wish(camera, held, wanted, {}, trial=True)
        found = Replayed(0, 0, 0.0)
        holds = held.get(SettingsOwner.INFERENCE)
        if not errors and holds is not None:
            now = {**holds.besides, **holds.settings}
            then = {key: value for key, value in {**now, **wanted}.items() if value is not None}
            zone = now.get("timezone")
            with self.one_replay_at_a_time:
                try:
                    found = replayed(camera, self.journal(), now, then, zone if isinstance(zone, str) else "UTC")
                except SettingsError as error:
                    errors = wish_errors(error)
        return JSONResponse({"errors": [asdict(each) for each in errors], **asdict(found)})

    def save(self, request: Request) -> Response:
        """Change settings: all that are named, or none. Says them as text for a deployment, too."""
        camera, fields = camera_id(request.path_params["camera"]), fields_of(request)
        wanted, held = fields.inner("settings").document, self._held(camera)
        revisions = parse_object(fields.optional_text("revision") or "{}", "revision")
        errors = self._wish(camera, held, wanted, revisions, trial=True)
        errors = errors or self._wish(camera, held, wanted, revisions, trial=False)
        before, after = yaml_of(camera, _settings(held)), yaml_of(camera, {**_settings(held), **wanted})
        document = {"applied": not errors, "errors": [asdict(each) for each in errors]}
        return JSONResponse({**document, "yaml": after, "diff": difference(before, after)})

    def _wish(
        self,
        camera: CameraId,
        held: Mapping[SettingsOwner, Holding],
        wanted: Mapping[str, object],
        revisions: Mapping[str, object],
        *,
        trial: bool,
    ) -> tuple[WishError, ...]:
        """What speaks against settings. Each owner is asked for those of its keys that change."""
        before = _settings(held)
        known = {key for keys in SETTABLE.values() for key in keys}
        errors = [WishError(str(key), _UNKNOWN) for key in wanted if key not in known]
        for owner in [] if errors else SettingsOwner:
            own = {key: wanted[key] for key in SETTABLE[owner] if key in wanted and wanted[key] != before.get(key)}
            if own:
                named = revisions.get(owner)
                revision = named if isinstance(named, str) else None
                errors += self._refused(SettingsWish(self.wishes.new_id(), camera, owner, own, trial, revision))
        return tuple(errors)

    def _refused(self, wish: SettingsWish) -> Sequence[WishError]:
        """What the owner of the settings says against them."""
        answer = self.wishes.ask(wish, wish.owner)
        is_taken = answer.applied or wish.trial
        return answer.errors or (() if is_taken else (WishError("settings", "were not applied"),))

    def _held(self, camera: CameraId) -> dict[SettingsOwner, Holding]:
        """Of each owner that knows the camera. Raises NoAnswer, HTTPException where there is no such camera."""
        answers = self.wishes.say(SettingsAsk(self.wishes.new_id(), camera), *SettingsOwner)
        held = {owner: answer.holds for owner, answer in answers.items() if answer.holds}
        if not held:
            words = _words(next(iter(answers.values()))) or "is no camera of this device"
            raise HTTPException(404, f"{camera}: {words}")
        return held

    def _said(self, message: WishMessage, **more: object) -> Response:
        answer = self.wishes.ask(message, SettingsOwner.INFERENCE)
        return JSONResponse({"applied": answer.applied, "words": _words(answer), **more})


def _settings(held: Mapping[SettingsOwner, Holding]) -> dict[str, object]:
    return {key: value for one in held.values() for key, value in one.settings.items()}


def _words(answer: WishAnswer) -> str:
    return "; ".join(f"{each.key}: {each.words}" for each in answer.errors)
