"""What the analyses of one camera know of one another, so that one object stays one event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from smartcam.contract.event import NormalBox
from smartcam.contract.health import SceneHealth
from smartcam.contract.ids import EventId
from smartcam.contract.view import ViewedScene
from smartcam.contract.wish import CurvePoint
from smartcam.inference.analysis.places import corners
from smartcam.inference.events import Oddness, OpenEpisode, Trigger
from smartcam.vision.corners import cover
from smartcam.vision.journal import JournalRow

_SAME: Final = 0.25
"""Of the smaller of two boxes, which the other covers where both are about one thing: a learned region is coarse."""
_MOST_NOTED: Final = 64


@dataclass(slots=True)
class SharedKnowledge:
    """For one thread.

    `views` counts how often another view has become the usual one; `is_tampered`: something is wrong with the camera
    now. `open`: all episodes that were on when the frame came. `unusual`: the learned scene's own episode, until an
    object turns out to be it. `scene`: how far the learner has come, None where nothing is learnt; `curve` says what
    its thresholds are worth. `seen`: the objects of this frame; `look`: what the learned scene made of the last frame
    that it looked at, None if it sees nothing; `odd`: what is unusual in that frame, and where, None if nothing is.
    """

    views: int = 0
    is_tampered: bool = False
    open: Sequence[OpenEpisode] = ()
    unusual: OpenEpisode | None = None
    scene: SceneHealth | None = None
    curve: Callable[[], tuple[CurvePoint, ...]] = tuple
    seen: Sequence[JournalRow] = ()
    look: ViewedScene | None = None
    odd: tuple[NormalBox | None, Oddness] | None = None
    _noted: dict[EventId, Oddness] = field(default_factory=dict)

    def name(self, sight: Trigger) -> OpenEpisode | None:
        """The learned scene's episode if an object that would raise one is the same thing: it is the object's now."""
        found = self.unusual
        if found is None or not any(meet(sight.place, box) for box in _places(found)):
            return None
        self.unusual = None
        self.note(found.event.event_id, Oddness(found.peak, found.event.label))
        return found

    def show(self, rows: Sequence[JournalRow]) -> None:
        """The objects of this frame."""
        self.seen = rows

    def note(self, event: EventId, odd: Oddness) -> None:
        """The learned scene finds what an event is about unusual as well; the first reason is the one that was sent."""
        before = self._noted.pop(event, odd)
        self._noted[event] = Oddness(max(odd.score, before.score), before.reason or odd.reason)
        if len(self._noted) > _MOST_NOTED:
            del self._noted[next(iter(self._noted))]

    def noted(self, event: EventId) -> Oddness | None:
        """What the learned scene has made of what an event is about; None if it has not found it unusual."""
        return self._noted.get(event)

    def odd_now(self, box: NormalBox | None) -> Oddness | None:
        """What the learned scene makes of what is in a box now; None if it finds nothing unusual there."""
        return self.odd[1] if self.odd is not None and meet(self.odd[0], box) else None


def meet(one: NormalBox | None, other: NormalBox | None) -> bool:
    """Whether two boxes may be about one thing; None is the whole picture."""
    return one is None or other is None or cover(corners(one), corners(other)) >= _SAME


def _places(episode: OpenEpisode) -> tuple[NormalBox | None, NormalBox | None]:
    """Where it began and where it is."""
    return episode.event.box, episode.box
