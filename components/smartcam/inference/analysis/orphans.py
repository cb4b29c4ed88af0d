"""Episodes of an earlier process that wait for their objects to show up again."""

from collections.abc import Iterator, Sequence
from typing import Final

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.analysis import can_go_on
from smartcam.inference.analysis.identity import is_resumed
from smartcam.inference.events import OpenEpisode
from smartcam.vision.corners import Corners

RESUME_S: Final = 10.0
"""How long they wait."""


class Orphans:
    """Each is given to the first object that may be its own, and let go of if none is."""

    def __init__(self) -> None:
        self.episodes: list[OpenEpisode] = []
        self._until: MonotonicNs | None = None

    def add(self, episodes: Sequence[OpenEpisode]) -> None:
        """Further ones; all wait from the next frame on."""
        self.episodes += episodes
        self._until = None

    def at(self, box: Corners, kind: EventKind | None = None) -> OpenEpisode | None:
        """The first, of a kind or of any, whose object was where a box is now."""
        return next((one for one in self._recent(kind) if is_resumed(one.box, box)), None)

    def of(self, kind: EventKind) -> OpenEpisode | None:
        """The first of a kind, wherever its object was."""
        return next(self._recent(kind), None)

    def give(self, episode: OpenEpisode) -> OpenEpisode:
        """It waits no longer: its object is there."""
        self.episodes.remove(episode)
        return episode

    def boxes(self) -> list[NormalBox]:
        """Where their objects were."""
        return [one.box for one in self.episodes if one.box is not None]

    def overdue(self, at: MonotonicNs) -> list[OpenEpisode]:
        """Those whose objects have not shown up in time, or for which it is too late; they are forgotten."""
        if self._until is None:
            self._until = MonotonicNs(at + round(RESUME_S * NS_PER_S))
        kept = [one for one in self.episodes if at < self._until and can_go_on(one)]
        over = [one for one in self.episodes if one not in kept]
        self.episodes = kept
        return over

    def forget(self) -> None:
        """None waits any more."""
        self.episodes = []

    def _recent(self, kind: EventKind | None) -> Iterator[OpenEpisode]:
        return (one for one in self.episodes if can_go_on(one) and kind in (None, one.event.kind))
