"""How many events may be on their way at once, so that neither a silent cloud nor a slow one is flooded."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from smartcam.contract.event import Phase
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.outbox.outbox import DueEvent, Urgency

Key = tuple[EventId, Phase]
PLACES: Final = {Urgency.FRESH: 10, Urgency.CRITICAL: 6, Urgency.WAITED: 16}
"""None takes the place of another: a fresh alarm waits for no backlog, and what is in vain holds up its like alone."""
HOLD_S: Final = 30.0
"""How long an event that is not acknowledged keeps its place, while the cloud acknowledges others."""
LONGEST_HOLD_S: Final = 3600.0


class Reply(Enum):
    """What an acknowledgement says about the way to the cloud."""

    TO_NOTHING = auto()
    """It is a second one, or of an event that is none of ours: nothing follows from it."""
    IN_TIME = auto()
    AFTER_SILENCE = auto()
    """The cloud had been silent for so long that others should be tried at once."""


@dataclass(frozen=True, slots=True)
class _HeldPlace:
    until: MonotonicNs
    urgency: Urgency


class SendingWindow:
    """The events that were sent and are not acknowledged. Its methods may be called from any thread.

    A cloud that takes everything frees the places as fast as it answers. One that takes an event a second leaves most
    places to time out, which costs less than one vain publish for each that counts. While nothing at all is
    acknowledged, the places for what has waited become fewer and are held as long as the silence has lasted: within
    an hour there is one publish an hour left. What is fresh has places of its own all the time, and its
    acknowledgement ends the silence.
    """

    def __init__(self, clock: Clock, random: Callable[[], float]) -> None:
        self._now = clock.monotonic
        self._random = random
        self._lock = threading.Lock()
        self._places: dict[Key, _HeldPlace] = {}
        self._unanswered_since: MonotonicNs | None = None

    def admits(self, due: DueEvent) -> bool:
        """Whether it may be sent now. What was fresh when it was sent may be sent again in its place."""
        with self._lock:
            self._expire()
            place = self._places.get(_key(due))
            if place is not None:
                return place.urgency is Urgency.FRESH
            return self._free(due.urgency) > 0

    def sent(self, due: DueEvent) -> float:
        """It is being published, and takes a place; for how many seconds it is not to be sent again."""
        with self._lock:
            now = self._now()
            if self._unanswered_since is None:
                self._unanswered_since = now
            if _key(due) in self._places:
                return 0.0
            is_fresh = due.urgency is Urgency.FRESH
            whole_s = HOLD_S if is_fresh else min(max(HOLD_S, self._silence_s()), LONGEST_HOLD_S)
            # Half is chance: the devices of a site that fell silent together must not come back together.
            held_s = whole_s * (0.5 + 0.5 * self._random())
            self._places[_key(due)] = _HeldPlace(MonotonicNs(now + round(held_s * NS_PER_S)), due.urgency)
            return 0.0 if is_fresh else held_s

    def answered(self, event_id: EventId, phase: Phase, *, waited: bool = True) -> Reply:
        """The cloud has acknowledged an event, which `waited` in the outbox until then."""
        with self._lock:
            if self._places.pop((event_id, phase), None) is None and not waited:
                return Reply.TO_NOTHING
            was_silent = self._silence_s() > HOLD_S
            self._unanswered_since = None
            if was_silent:
                self._places.clear()
            return Reply.AFTER_SILENCE if was_silent else Reply.IN_TIME

    def reopen(self) -> None:
        """There was no way to the cloud: nothing is on its way, and nobody has been silent."""
        with self._lock:
            self._places.clear()
            self._unanswered_since = None

    def free(self, urgency: Urgency) -> int:
        """How many more of this urgency may be sent now."""
        with self._lock:
            self._expire()
            return self._free(urgency)

    def free_in_s(self) -> float:
        """Seconds until the next place is free; 0 if one is."""
        with self._lock:
            self._expire()
            ends = [place.until for place in self._places.values()]
            return max(min(ends) - self._now(), 0) / NS_PER_S if ends else 0.0

    def _free(self, urgency: Urgency) -> int:
        share = 1.0 if urgency is Urgency.FRESH else min(1.0, HOLD_S / max(self._silence_s(), 1.0))
        taken = sum(place.urgency is urgency for place in self._places.values())
        return max(0, max(1, round(PLACES[urgency] * share)) - taken)

    def _silence_s(self) -> float:
        return 0.0 if self._unanswered_since is None else (self._now() - self._unanswered_since) / NS_PER_S

    def _expire(self) -> None:
        now = self._now()
        for key in [key for key, place in self._places.items() if place.until <= now]:
            del self._places[key]


def _key(due: DueEvent) -> Key:
    return due.event.event_id, due.event.phase
