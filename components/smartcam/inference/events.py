"""Makes events from what was seen, and holds what is remembered of an open episode."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, EventKind, NormalBox, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.reading import Fields
from smartcam.contract.snapshot import NO_UPLOADS, UploadKeys
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.outbox.outbox import Episode

_STORE_EVERY_S: Final = 20.0
"""How often the state of an open episode is stored: it shows a restarted process how long it was away."""
DETECTED: Final = "detected"
"""The cause of an event that a detector labelled."""
MOTION: Final = "motion"
"""The cause when something large moved with purpose and the detector had no label for it."""
UNUSUAL: Final = "unusual"
"""The cause when a whole scene, or a part of it, looks unlike anything before."""
_NAMELESS: Final = frozenset((EventKind.MOTION, EventKind.ANOMALY))
SEVERITY: Final = {
    EventKind.PERSON: Severity.WARNING,
    EventKind.ANOMALY: Severity.WARNING,
    EventKind.TAMPER: Severity.CRITICAL,
    EventKind.CAMERA_LOST: Severity.WARNING,
}


@dataclass(frozen=True, slots=True)
class Trigger:
    """What raised an episode. `box` is normalised to 0..1."""

    kind: EventKind
    score: float
    threshold: float
    box: NormalBox | None = None
    label: str | None = None
    zone: str | None = None
    suppressed: int = 0
    rule: str | None = None
    cause: str | None = None

    @property
    def place(self) -> NormalBox | None:
        """Where it is. Who judges the whole picture knows no place: the box is where something moves."""
        return None if self.cause == UNUSUAL else self.box


class Oddness(NamedTuple):
    """What the learned scene makes of something: how unusual it is, 0..1, and why, in one word."""

    score: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class OpenEpisode:
    """An open episode: the event that raised it, and what has been seen since.

    `stored_at` is the monotonic time at which it was last put into the outbox. `age_ms` is set only after a restart:
    how long ago the previous process stored it, None if unknown.
    """

    event: Event
    box: NormalBox | None
    peak: float
    stored_at: MonotonicNs
    suppressed: int = 0
    age_ms: int | None = None

    @property
    def place(self) -> NormalBox | None:
        """Where it is now; None if a model has judged the whole picture."""
        return None if self.event.cause == UNUSUAL and self.event.model_name is not None else self.box


@dataclass(frozen=True, slots=True)
class EpisodePicture:
    """The picture of an event so far: a JPEG."""

    camera: CameraId
    event_id: EventId
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What goes into the outbox in one transaction: an event, an episode's state, or both; and the event's picture."""

    event: Event | None
    episode: Episode | None
    snapshot: EpisodePicture | None = None


def more_severe(kind: EventKind, other: EventKind) -> bool:
    """Whether events of a kind are more severe than those of another."""
    ranks = list(Severity)
    return ranks.index(severity(kind)) > ranks.index(severity(other))


def severity(kind: EventKind) -> Severity:
    """How urgent events of a kind are."""
    return SEVERITY.get(kind, Severity.INFO)


@dataclass(frozen=True, slots=True)
class EventMaker:
    """Makes one camera's events. `new_id` gives an id for a time; `synced` says whether UTC is trusted.

    `unnamed` gives up the learned scene's episode about the same thing, if there is one. `oddness` says what the scene
    has made of what an event is about, `odd_now` what it makes of what is in a box (None: the whole picture) now; None
    where that is nothing unusual.
    """

    thing: ThingName
    camera: CameraId
    valid_s: float
    new_id: Callable[[UtcNs], EventId]
    synced: Callable[[], bool]
    model_name: str | None = None
    model_version: str | None = None
    upload_keys: Callable[[EventId], UploadKeys] = lambda _: NO_UPLOADS
    unnamed: Callable[[Trigger], OpenEpisode | None] = lambda _: None
    oddness: Callable[[EventId], Oddness | None] = lambda _: None
    odd_now: Callable[[NormalBox | None], Oddness | None] = lambda _: None

    def event(self, sight: Trigger, at: UtcNs) -> Event:
        """The event that begins an episode at a time."""
        event_id = self.new_id(at)
        keys, odd = self.upload_keys(event_id), self.odd_now(sight.place)
        return Event(
            event_id=event_id,
            thing=self.thing,
            camera_id=self.camera,
            kind=sight.kind,
            phase=Phase.RAISED,
            severity=severity(sight.kind),
            started_at=at,
            expires_at=UtcNs(at + round(self.valid_s * NS_PER_S)),
            score=sight.score,
            threshold=sight.threshold,
            clock_synced=self.synced(),
            rule=sight.rule,
            cause=sight.cause,
            zone=sight.zone,
            box=sight.box,
            label=sight.label,
            model_name=self.model_name,
            model_version=self.model_version,
            snapshot_key=keys.picture,
            clip_object=keys.clip,
            suppressed=sight.suppressed,
            scene_score=None if odd is None else odd.score,
            scene_reason=None if odd is None else odd.reason,
        )

    def raised(self, sight: Trigger, at: UtcNs, mono: MonotonicNs) -> tuple[OpenEpisode, Change]:
        """A new episode, and its change for the outbox; what the learned scene has raised already goes on."""
        earlier = self.unnamed(sight)
        if earlier is not None and sight.kind in _NAMELESS:
            return earlier, Change(None, stored(earlier))
        if earlier is not None:
            return self.upgraded(earlier, sight)
        event = self.event(sight, at)
        episode = OpenEpisode(event, sight.box, sight.score, mono, sight.suppressed)
        return episode, Change(event, stored(episode))

    def upgraded(self, episode: OpenEpisode, sight: Trigger) -> tuple[OpenEpisode, Change]:
        """The same episode once the object has been identified: its event goes out again under the same id."""
        event = replace(
            self._with_oddness(episode.event),
            kind=sight.kind,
            severity=severity(sight.kind),
            score=sight.score,
            threshold=sight.threshold,
            label=sight.label,
            rule=sight.rule or episode.event.rule,
            cause=sight.cause,
            box=sight.box,
            zone=sight.zone or episode.event.zone,
            suppressed=episode.suppressed,
            clock_synced=self.synced(),
            model_name=self.model_name,
            model_version=self.model_version,
            revision=episode.event.revision + 1,
        )
        known = replace(episode, event=event, box=sight.box, peak=sight.score)
        return known, Change(event, stored(known))

    def cleared(self, episode: OpenEpisode, at: UtcNs) -> Change:
        """The end of an episode: the second phase of its event."""
        # A clock that was set back must not make an event end before it began.
        event = replace(
            self._with_oddness(episode.event),
            phase=Phase.CLEARED,
            ended_at=UtcNs(max(at, episode.event.started_at)),
            score=episode.peak,
            suppressed=episode.suppressed,
            clock_synced=self.synced(),
        )
        return Change(event, None)

    def refreshed(self, episode: OpenEpisode, at: MonotonicNs) -> tuple[OpenEpisode, list[Change]]:
        """An episode that goes on, and its state for the outbox if that was last stored long ago.

        Once the learned scene finds unusual, too, what it is about, its event goes out again with the reason.
        """
        known, event = episode.event, self._with_oddness(episode.event)
        if event.scene_reason is not None and known.scene_reason is None and not _is_of_scene(known):
            revised = replace(event, clock_synced=self.synced(), revision=known.revision + 1)
            episode = replace(episode, event=revised, stored_at=at)
            return episode, [Change(revised, stored(episode))]
        if at - episode.stored_at < _STORE_EVERY_S * NS_PER_S:
            return episode, []
        episode = replace(episode, stored_at=at)
        return episode, [Change(None, stored(episode))]

    def _with_oddness(self, event: Event) -> Event:
        odd = self.oddness(event.event_id)
        if odd is None:
            return event
        score, reason = max(odd.score, event.scene_score or 0.0), event.scene_reason or odd.reason
        return replace(event, scene_score=score, scene_reason=reason)


def stored(episode: OpenEpisode) -> Episode:
    """The episode as the outbox keeps it."""
    box = episode.box
    state: dict[str, object] = {
        "raised": episode.event.to_json().decode(),
        "peak": episode.peak,
        "suppressed": episode.suppressed,
        "box": None if box is None else [box.x1, box.y1, box.x2, box.y2],
    }
    event = episode.event
    return Episode(f"{event.camera_id}/{event.event_id}", event.camera_id, event.event_id, state)


def _is_of_scene(event: Event) -> bool:
    """Whether the learned scene has raised it: its label says why."""
    return event.kind is EventKind.ANOMALY and event.model_name is None


def restored(episode: Episode) -> OpenEpisode:
    """The episode that an earlier process stored. Raises ContractError if it is not one of ours."""
    fields = Fields(episode.state, "episode")
    event = Event.from_json(fields.text("raised", 8192))
    box = None
    if fields.has("box"):
        sides = [side for side in fields.items("box", 4) if isinstance(side, int | float)]
        if len(sides) != 4:  # noqa: PLR2004
            raise ContractError("episode.box", "must be four numbers")
        box = NormalBox(*(float(side) for side in sides))
    return OpenEpisode(
        event=event,
        box=box,
        peak=fields.number("peak", 0, 1),
        stored_at=MonotonicNs(0),
        suppressed=fields.integer("suppressed"),
        age_ms=episode.age_ms,
    )
