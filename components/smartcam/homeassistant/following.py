"""Follows the history of events: which are on, and which is each camera's newest."""

from dataclasses import dataclass
from typing import Final

from smartcam.contract.event import Event, EventKind, Phase
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.history.past import PastEvent
from smartcam.edge.history.reading import PastEvents

_MOST_AT_ONCE: Final = 1000
"""Of what has changed, the last: at the start that is the whole history."""
_LONGEST_NS: Final = 86_400 * NS_PER_S
"""The end of an event may have been lost with a disk: it is not on for longer than that."""
_LOOKS_FOR_NS: Final = 60 * NS_PER_S
"""A picture is written after its event."""
_FRESH_NS: Final = 10 * NS_PER_S
"""Who has not looked for longer does not tell what is over."""
_JUST_NS: Final = 60 * NS_PER_S


@dataclass(slots=True)
class _On:
    camera: CameraId
    kind: EventKind
    since: MonotonicNs
    is_over: bool = False

    def may_be_on(self, now: MonotonicNs) -> bool:
        return not self.is_over and now - self.since < _LONGEST_NS


@dataclass(slots=True)
class _Newest:
    event: Event
    looks_until: MonotonicNs
    """Until then its picture is looked for; what is shown meanwhile is the one before."""
    picture: bytes | None = None


class FollowedEvents:
    """For one thread. What a filter has held back, or a person has called false, is none."""

    def __init__(self, history: PastEvents, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._on: dict[EventId, _On] = {}
        self._newest: dict[CameraId, _Newest] = {}
        self._stepped_at: MonotonicNs | None = None

    def step(self, *, pictures: bool) -> None:
        """Read what was appended since the last time; with `pictures` those of the newest events, too.

        An event that has begun and ended since then is on until the next step, or nobody would ever hear of it; but not
        if that was long ago.
        """
        now = self._clock.monotonic()
        is_fresh = self._stepped_at is not None and now - self._stepped_at < _FRESH_NS
        self._stepped_at = now
        has_changed = self._history.refresh()
        self._on = {
            name: one
            for name, one in self._on.items()
            if one.may_be_on(now) and not (has_changed and self._history.event(name) is None)
        }
        for name, has_appeared in list(self._history.changed.items())[-_MOST_AT_ONCE:]:
            past = self._history.event(name)
            if past is not None:
                self._take(past, now, has_appeared=has_appeared, is_fresh=is_fresh)
        for newest in self._newest.values():
            if not pictures:
                newest.picture, newest.looks_until = None, MonotonicNs(now + _LOOKS_FOR_NS)
            elif now < newest.looks_until:
                found = self._history.picture(newest.event.event_id)
                if found is not None:
                    newest.picture, newest.looks_until = found, now

    def on(self, camera: CameraId) -> frozenset[EventKind]:
        """Kinds of which an event is on."""
        return frozenset(one.kind for one in self._on.values() if one.camera == camera)

    def newest(self, camera: CameraId) -> tuple[Event | None, bytes | None]:
        """A camera's newest event, and the newest picture that there is of one."""
        found = self._newest.get(camera)
        return (None, None) if found is None else (found.event, found.picture)

    def _take(self, past: PastEvent, now: MonotonicNs, *, has_appeared: bool, is_fresh: bool) -> None:
        event = past.event
        name, known = event.event_id, self._on.pop(event.event_id, None)
        if event.phase is Phase.RECORDED or event.is_held_back or past.verdict is False:
            return
        is_on = event.phase is Phase.RAISED
        if known is not None and is_on:
            self._on[name] = _On(event.camera_id, event.kind, known.since)
        elif known is None and self._is_news(event, is_new=has_appeared and is_fresh):
            self._on[name] = _On(event.camera_id, event.kind, now, is_over=not is_on)
        self._note_newest(event, now, is_new=has_appeared or (is_on and known is None))

    def _note_newest(self, event: Event, now: MonotonicNs, *, is_new: bool) -> None:
        """By the order in which they have come: after a step of the clock backwards a new event has an older name."""
        newest = self._newest.get(event.camera_id)
        if newest is None or is_new or event.event_id == newest.event.event_id:
            picture = None if newest is None else newest.picture
            self._newest[event.camera_id] = _Newest(event, MonotonicNs(now + _LOOKS_FOR_NS), picture)

    def _is_news(self, event: Event, *, is_new: bool) -> bool:
        """Whether an event that was not known to be on began today, or is new and has just ended."""
        if event.phase is Phase.RAISED:
            return self._clock.utc() - event.started_at < _LONGEST_NS
        return is_new and event.ended_at is not None and abs(self._clock.utc() - event.ended_at) < _JUST_NS
