"""Whose turn it is: what waits for a group's turn, in which order, and its words in the table.

Every other turn is for critical alarms first; in both kinds of turns things take turns: however much one thing has to
say, the others wait for one message of it and not for all, and not even a flood of critical alarms keeps ordinary
alerts of other things from their share.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from infra.alerts.runtime.agreed import EMAILS_PER_SECOND, LEASE_S
from smartcam.contract.event import Event, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs

MOST_WAITING: Final = 20
"""Messages of a thing that may wait for a group's turn; critical alarms have as many places more."""
ROUND_S: Final = 1
"""From one round of a group's waiting messages to the next."""
A_ROUND: Final = EMAILS_PER_SECOND * ROUND_S
"""Messages that go out in a round."""
STEP_NS: Final = NS_PER_S // EMAILS_PER_SECOND
SPARE_NS: Final = 4 * STEP_NS
"""So far ahead turns may be taken where nobody waits: five messages at once, as when several cameras see the same."""
OVERDUE_S: Final = LEASE_S
"""A round that is so late has lost its timer, or died while it was held: whoever comes next begins another."""
OF_GROUP: Final = ThingName("#group")
"""What is a group's own, its digests, waits under a name that no thing can have."""


@dataclass(frozen=True, slots=True)
class WaitingAlert:
    """An event in the history whose alert waits; `tries` have broken."""

    critical: bool
    event_id: EventId
    camera: CameraId
    tries: int = 0


@dataclass(frozen=True, slots=True)
class WaitingClosing:
    """A closing message that waits."""

    camera: CameraId
    family: str
    sweep: bool = False
    tries: int = 0


@dataclass(frozen=True, slots=True)
class WaitingDigest:
    """A digest that waits."""

    ends: UtcNs
    tries: int = 0


Waiting = WaitingAlert | WaitingClosing | WaitingDigest


def alert_of(event: Event, tries: int) -> WaitingAlert:
    """An event's alert: the same however often the event is delivered."""
    return WaitingAlert(event.severity is Severity.CRITICAL, event.event_id, event.camera_id, tries)


def most_of(waiting: Waiting) -> int:
    """How many messages of a thing may wait already where this one still finds a place."""
    return 2 * MOST_WAITING if isinstance(waiting, WaitingAlert) and waiting.critical else MOST_WAITING


def to_text(waiting: Waiting) -> str:
    """The words in the table; they sort in the order in which a thing's messages go out."""
    match waiting:
        case WaitingAlert():
            rank = 0 if waiting.critical else 1
            return f"{rank}/{waiting.event_id}/{waiting.camera}/{waiting.tries}"
        case WaitingClosing():
            return f"2/{waiting.camera}/{waiting.family}/{int(waiting.sweep)}/{waiting.tries}"
        case WaitingDigest():
            return f"3/{waiting.ends // NS_PER_MS}/{waiting.tries}"


def from_text(text: str) -> Waiting:
    """The inverse of `to_text`."""
    rank, *words = text.split("/")
    if rank == "2":
        camera, family, sweep, tries = words
        return WaitingClosing(CameraId(camera), family, sweep == "1", int(tries))
    if rank == "3":
        ends, tries = words
        return WaitingDigest(UtcNs(int(ends) * NS_PER_MS), int(tries))
    event, camera, tries = words
    return WaitingAlert(rank == "0", EventId(event), CameraId(camera), int(tries))


@dataclass(frozen=True, slots=True)
class ThingQueue:
    """What waits of one thing, in its order; `since` when it came, or when one of its messages last went out."""

    thing: ThingName
    since: UtcNs
    waiting: tuple[Waiting, ...]


@dataclass(slots=True)
class _Served:
    """What is left of a thing's queue, and how many of it have gone out."""

    queue: ThingQueue
    left: deque[Waiting]
    many: int = 0


def in_turn(queues: Iterable[ThingQueue]) -> Iterator[tuple[ThingName, Waiting]]:
    """Who goes out in which order: of things that were served as often, the one that has waited longest."""
    things = [_Served(queue, deque(queue.waiting)) for queue in queues if queue.waiting]
    for number in itertools.count():
        if not things:
            return
        for_alarms = number % 2 == 0
        next_one = min(things, key=lambda one: _place(one, for_alarms=for_alarms))
        yield next_one.queue.thing, next_one.left.popleft()
        next_one.many += 1
        if not next_one.left:
            things.remove(next_one)


def _place(one: _Served, *, for_alarms: bool) -> tuple[bool, int, UtcNs, ThingName]:
    return for_alarms and _is_calm(one.left[0]), one.many, one.queue.since, one.queue.thing


def _is_calm(waiting: Waiting) -> bool:
    return not (isinstance(waiting, WaitingAlert) and waiting.critical)


class Turns(Protocol):
    """The turns of the groups, and what waits for them. Times are whole milliseconds."""

    def take(self, group: str, now: UtcNs) -> bool:
        """Have a turn now; False where too many have just had one, or somebody waits."""

    def join(self, group: str, thing: ThingName, waiting: Waiting, now: UtcNs) -> bool:
        """Wait for a turn, once, however often this is called; False where too many of the thing's wait already."""

    def is_armed(self, group: str, now: UtcNs) -> bool:
        """Whether the group's one timer is set, or its round is being held, as stored at this moment."""

    def arm(self, group: str, due: UtcNs, now: UtcNs) -> None:
        """Remember that the timer is set for then; without effect where another one is."""

    def open(self, group: str, due: UtcNs, now: UtcNs) -> bool:
        """The sole right to hold the round of the timer that was due then."""

    def queues(self, group: str) -> list[ThingQueue]:
        """All that waits, as stored at this moment."""

    def leave(self, group: str, thing: ThingName, waiting: Waiting, now: UtcNs) -> None:
        """It waits no more, and the thing's next one waits for the other things'."""

    def rotate(self, group: str, thing: ThingName, now: UtcNs) -> None:
        """The thing's next one waits for the other things'."""

    def drop(self, group: str, thing: ThingName) -> None:
        """Nothing of the thing waits any more."""

    def set_next(self, group: str, due: UtcNs) -> None:
        """The next round is then."""

    def close(self, group: str, now: UtcNs) -> None:
        """Nobody waits; turns may be taken again a little later."""


def held_from(now: UtcNs) -> UtcNs:
    """Since when a round is being held: no timer's time, which is in whole milliseconds."""
    return UtcNs(now // NS_PER_MS * NS_PER_MS + 1)


def free_after_round(now: UtcNs) -> UtcNs:
    """When the turns are free again that a last round has taken: what follows at once comes one by one."""
    return UtcNs(now + SPARE_NS + STEP_NS)


def due_in(seconds: float, now: UtcNs) -> UtcNs:
    """A time in whole milliseconds, as a timer keeps it."""
    return UtcNs(-(-(now + round(seconds * NS_PER_S)) // NS_PER_MS) * NS_PER_MS)
