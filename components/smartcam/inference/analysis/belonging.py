"""Whose event it is that something is unusual: an object's that is or was just there, or the learned scene's own."""

from collections import deque
from typing import Final, NamedTuple

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.shared import SharedKnowledge, meet
from smartcam.vision.frame import Frame

CALM_S: Final = 150.0
"""An episode is over when nothing has been unusual for so long. The threshold keeps the budget for episodes between
which there are two calm minutes."""
RECENT_S: Final = 10.0
"""What is unusual is an object that had an episode there so recently: what is learnt is steadied over seconds."""
_MOST_RECENT: Final = 256


class Sighted(NamedTuple):
    """What an event is about, where it was, and when."""

    event: EventId
    box: NormalBox | None
    at: MonotonicNs
    utc: UtcNs


class Belonging:
    """Of one camera. `last` is what was unusual last, if it belongs to an event."""

    def __init__(self) -> None:
        self.last: Sighted | None = None
        self._recent: deque[Sighted] = deque(maxlen=_MOST_RECENT)

    def remember(self, shared: SharedKnowledge, frame: Frame) -> None:
        """Where the other analyses' episodes are in a frame."""
        own = None if shared.unusual is None else shared.unusual.event.event_id
        for episode in shared.open:
            if episode.event.kind is not EventKind.TAMPER and episode.event.event_id != own:
                at, utc = frame.captured_mono, frame.captured_at
                self._recent.append(Sighted(episode.event.event_id, episode.place, at, utc))

    def of(self, box: NormalBox | None, at: MonotonicNs) -> EventId | None:
        """The event that what is unusual in a box belongs to: an object's, or that of what was unusual there before."""
        for each in reversed(self._recent):
            if at - each.at <= RECENT_S * NS_PER_S and meet(each.box, box):
                return each.event
        return self.on(at) if self.last is not None and meet(self.last.box, box) else None

    def on(self, at: MonotonicNs) -> EventId | None:
        """The event of what is unusual, or was so until just now."""
        last = self.last
        return last.event if last is not None and at - last.at <= CALM_S * NS_PER_S else None

    def belongs(self, event: EventId, box: NormalBox | None, frame: Frame) -> None:
        """What is unusual in a box of the frame belongs to an event."""
        self.last = Sighted(event, box, frame.captured_mono, frame.captured_at)

    def forget(self) -> None:
        """Start afresh."""
        self.last = None
        self._recent.clear()
