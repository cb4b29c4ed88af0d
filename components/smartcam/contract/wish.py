"""What travels on `smartcam/settings/<camera_id>`: the console wishes, and who owns a setting answers.

Wishes about what a camera sees go to `inference`, those about what it shows to `capture`. Either hears all messages of
the topic, and leaves alone what the other owns.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.ids import CameraId, EventId, camera_id, event_id
from smartcam.contract.reading import Fields, dump_object, parse_object, printable
from smartcam.contract.times import UtcNs, format_utc, parse_utc

LARGEST_WISH_BYTES: Final = 7000
"""What every nucleus carries."""
MOST_WISH_ERRORS: Final = 8
"""In one answer; who mends these hears of the next ones."""
MOST_CURVE_POINTS: Final = 20
_LONGEST_ID: Final = 64
_LONGEST_WORDS: Final = 300
_LONGEST_KEY: Final = 200
_MOST_A_DAY: Final = 1e6
_EVERYWHERE: Final = "*"
_VERDICTS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "none": None}


class SettingsOwner(StrEnum):
    """Who reads a setting, checks a wish about it, and answers."""

    CAPTURE = "capture"
    INFERENCE = "inference"


SETTABLE: Final[Mapping[SettingsOwner, tuple[str, ...]]] = {
    SettingsOwner.CAPTURE: ("masks", "ignored"),
    SettingsOwner.INFERENCE: ("zones", "lines", "rules", "alerts_a_day", "normal"),
}
"""The keys of a camera that the console may set, as a deployment has them."""


@dataclass(frozen=True, slots=True)
class SettingsWish:
    """Set these keys of a camera; null sets one back to what is deployed. The keys that are not named stay as they are.

    `id` is chosen by who wishes, and comes back with the answer. `trial`: only check. `revision`: of what the wish
    began with; where something else holds by now, it is not applied. None: whatever holds.
    """

    id: str
    camera_id: CameraId
    owner: SettingsOwner
    settings: Mapping[str, object]
    trial: bool = False
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class SettingsAsk:
    """Say what holds for a camera: every owner that has it answers."""

    id: str
    camera_id: CameraId


@dataclass(frozen=True, slots=True)
class LocalVerdict:
    """What a person says of a camera's event: whether it was one; None takes that back."""

    id: str
    camera_id: CameraId
    event_id: EventId
    true: bool | None


@dataclass(frozen=True, slots=True)
class LocalArming:
    """Arm or disarm a camera, None: the whole device; `until` None: until somebody changes it."""

    id: str
    camera_id: CameraId | None
    armed: bool
    until: UtcNs | None = None


@dataclass(frozen=True, slots=True)
class FilterAsk:
    """Say what the event filter makes of the events that have been."""

    id: str
    camera_id: CameraId | None = None
    """Always the whole device."""


@dataclass(frozen=True, slots=True)
class FilterPreview:
    """What a filter makes of the newest events: how many there are, and how many of them were called false and true.

    `held`: of how many each it holds back or, `on_trial`, would.
    """

    name: str
    version: str
    on_trial: bool
    events: int
    false: int
    true: int
    held: int
    held_false: int
    held_true: int


@dataclass(frozen=True, slots=True)
class WishError:
    """Why something is not applied: the setting's whole key, and words for people."""

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a threshold of a learned scene (0..1, as in views) is worth, by the normal minutes that were watched.

    It gave `a_day` alerts a day; with a confidence of 90 % these are `least` to `most`.
    """

    threshold: float
    a_day: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds for a camera now.

    `settings`: the keys that the console may set, those that are not there have their defaults. `besides`: other keys
    that decide with them (`labels`, `schedule`, and `timezone` of the device). `revision` names all of it. `differs`:
    what a later deployment has changed of what was set here, in words; None where all of that holds. `set_aside`: what
    was set here and does not hold, so that it can be set again. `curve`: of the camera's learned scene, by rising
    threshold; empty from who does not know, and where there was no room.
    """

    revision: str
    settings: Mapping[str, object] = field(default_factory=dict)
    besides: Mapping[str, object] = field(default_factory=dict)
    differs: str | None = None
    armed: bool | None = None
    """None from who does not know: capture."""
    armed_until: UtcNs | None = None
    set_aside: Mapping[str, object] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class WishAnswer:
    """What became of a wish, a verdict, an arming or an ask (`id`); `holds` where it is about a camera's settings."""

    id: str
    camera_id: CameraId | None
    owner: SettingsOwner
    applied: bool
    errors: tuple[WishError, ...] = ()
    holds: Holding | None = None
    preview: FilterPreview | None = None

    def fitting(self) -> "WishAnswer":
        """With as much as one message has room for."""
        answer = replace(self, errors=self.errors[:MOST_WISH_ERRORS])
        if answer.holds is not None and _is_too_large(answer):
            answer = replace(answer, holds=replace(answer.holds, curve=()))
        if answer.holds is not None and _is_too_large(answer):
            answer = replace(answer, holds=replace(answer.holds, set_aside={}))
        if answer.holds is not None and _is_too_large(answer):
            reason = "hold more than one message has room for: change them in the deployment's file"
            error = WishError("settings", reason)
            answer = replace(answer, holds=None, errors=(error, *answer.errors[: MOST_WISH_ERRORS - 1]))
        while _is_too_large(answer):
            answer = replace(answer, errors=answer.errors[:-1])
        return answer


WishMessage = SettingsWish | SettingsAsk | FilterAsk | LocalVerdict | LocalArming | WishAnswer


def wish_errors(error: SettingsError) -> tuple[WishError, ...]:
    """What a reader of settings has refused, in its own words."""
    return tuple(
        WishError(printable(each.key)[:_LONGEST_KEY] or "settings", _short(str(each).removeprefix(f"{each.key} = ")))
        for each in (error, *error.also)
    )


def encode_wish_message(message: WishMessage) -> bytes:
    """The message as JSON in UTF-8. Raises ContractError where it has more than 7,000 bytes."""
    payload = dump_object(_document(message))
    if len(payload) > LARGEST_WISH_BYTES:
        raise ContractError("settings", f"have {len(payload)} bytes, at most {LARGEST_WISH_BYTES} fit into a message")
    return payload


def decode_wish_message(payload: bytes) -> WishMessage:
    """The message in a payload. Raises ContractError naming the first wrong field."""
    if len(payload) > LARGEST_WISH_BYTES:
        raise ContractError("wish", f"has {len(payload)} bytes, at most {LARGEST_WISH_BYTES} are allowed")
    fields = Fields(parse_object(payload, "wish"))
    kind = fields.text("type")
    if kind not in _READERS:
        raise ContractError("type", f"must be {', '.join(_READERS)}")
    return _READERS[kind](fields, fields.text("id", _LONGEST_ID))


def _document(message: WishMessage) -> dict[str, object]:
    camera = _EVERYWHERE if message.camera_id is None else message.camera_id
    head: dict[str, object] = {"id": message.id, "camera_id": camera}
    match message:
        case SettingsWish():
            said = {"owner": message.owner, "settings": dict(message.settings), "revision": message.revision}
            return {"type": "wish", **head, **said, "trial": message.trial or None}
        case SettingsAsk():
            return {"type": "ask", **head}
        case FilterAsk():
            return {"type": "filter", **head}
        case LocalVerdict():
            word = next(word for word, true in _VERDICTS.items() if true is message.true)
            return {"type": "verdict", **head, "event_id": message.event_id, "verdict": word}
        case LocalArming():
            return {"type": "arming", **head, "armed": message.armed, "until": _time(message.until)}
        case WishAnswer():
            errors = [{"key": each.key, "words": each.words} for each in message.errors]
            held = None if message.holds is None else _held(message.holds)
            became = {"owner": message.owner, "applied": message.applied}
            preview = None if message.preview is None else asdict(message.preview)
            return {"type": "answer", **head, **became, "errors": errors or None, "holds": held, "preview": preview}


def _held(holds: Holding) -> dict[str, object]:
    return {
        "revision": holds.revision,
        "settings": dict(holds.settings),
        "besides": dict(holds.besides),
        "differs": holds.differs,
        "armed": holds.armed,
        "armed_until": _time(holds.armed_until),
        "set_aside": dict(holds.set_aside),
        "curve": [asdict(point) for point in holds.curve] or None,
    }


def _time(at: UtcNs | None) -> str | None:
    return None if at is None else format_utc(at)


def _wish(fields: Fields, name: str) -> SettingsWish:
    return SettingsWish(
        id=name,
        camera_id=_camera(fields),
        owner=fields.choice("owner", SettingsOwner),
        settings=fields.inner("settings").document,
        trial=fields.has("trial") and fields.boolean("trial"),
        revision=fields.optional_text("revision", _LONGEST_ID),
    )


def _ask(fields: Fields, name: str) -> SettingsAsk:
    return SettingsAsk(name, _camera(fields))


def _filter(fields: Fields, name: str) -> FilterAsk:
    return FilterAsk(name, _place(fields))


def _verdict(fields: Fields, name: str) -> LocalVerdict:
    word = fields.text("verdict")
    if word not in _VERDICTS:
        raise ContractError("verdict", f"must be {', '.join(_VERDICTS)}", word)
    return LocalVerdict(name, _camera(fields), event_id(fields.text("event_id")), _VERDICTS[word])


def _arming(fields: Fields, name: str) -> LocalArming:
    until = parse_utc(fields.text("until"), "until") if fields.has("until") else None
    return LocalArming(name, _place(fields), fields.boolean("armed"), until)


def _answer(fields: Fields, name: str) -> WishAnswer:
    errors = fields.objects("errors", MOST_WISH_ERRORS) if fields.has("errors") else []
    return WishAnswer(
        id=name,
        camera_id=_place(fields),
        owner=fields.choice("owner", SettingsOwner),
        applied=fields.boolean("applied"),
        errors=tuple(WishError(one.text("key", _LONGEST_KEY), one.text("words", _LONGEST_WORDS)) for one in errors),
        holds=_holding(fields.inner("holds")) if fields.has("holds") else None,
        preview=_preview(fields.inner("preview")) if fields.has("preview") else None,
    )


def _preview(fields: Fields) -> FilterPreview:
    return FilterPreview(
        name=fields.text("name"),
        version=fields.text("version"),
        on_trial=fields.boolean("on_trial"),
        events=fields.integer("events"),
        false=fields.integer("false"),
        true=fields.integer("true"),
        held=fields.integer("held"),
        held_false=fields.integer("held_false"),
        held_true=fields.integer("held_true"),
    )


def _holding(fields: Fields) -> Holding:
    until = fields.optional_text("armed_until")
    return Holding(
        revision=fields.text("revision", _LONGEST_ID),
        settings=fields.inner("settings").document,
        besides=fields.inner("besides").document,
        differs=fields.optional_text("differs", _LONGEST_WORDS),
        armed=fields.boolean("armed") if fields.has("armed") else None,
        armed_until=None if until is None else parse_utc(until, fields.name("armed_until")),
        set_aside=fields.inner("set_aside").document if fields.has("set_aside") else {},
        curve=tuple(map(_point, fields.objects("curve", MOST_CURVE_POINTS))) if fields.has("curve") else (),
    )


def _point(fields: Fields) -> CurvePoint:
    return CurvePoint(
        threshold=fields.number("threshold", 0, 1),
        a_day=fields.number("a_day", 0, _MOST_A_DAY),
        least=fields.number("least", 0, _MOST_A_DAY),
        most=fields.number("most", 0, _MOST_A_DAY),
    )


_READERS: Final[Mapping[str, Callable[[Fields, str], WishMessage]]] = {
    "wish": _wish,
    "ask": _ask,
    "filter": _filter,
    "verdict": _verdict,
    "arming": _arming,
    "answer": _answer,
}


def _camera(fields: Fields) -> CameraId:
    return camera_id(fields.text("camera_id"))


def _place(fields: Fields) -> CameraId | None:
    text = fields.text("camera_id")
    return None if text == _EVERYWHERE else camera_id(text)


def _short(words: str) -> str:
    shown = printable(words)
    return shown if len(shown) <= _LONGEST_WORDS else f"{shown[: _LONGEST_WORDS - 3]}..."


def _is_too_large(answer: WishAnswer) -> bool:
    return len(dump_object(_document(answer))) > LARGEST_WISH_BYTES
