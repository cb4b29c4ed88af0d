"""The objects in one camera's scene: one table, to which detections and motion add what they observe."""

from collections.abc import Iterable, Sequence

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.identity import TAKEN_S, is_back, is_held, is_same_again, mover_of, whole_of
from smartcam.inference.analysis.record import SceneObject, bring_back, is_told, no_memory
from smartcam.inference.events import OpenEpisode
from smartcam.vision.movers import Mover
from smartcam.vision.rule import Rule
from smartcam.vision.track import Track


class ObjectTable:
    """`named` are the tracked objects by track, `moving` those that move by mover.

    `adrift` are movers that have vanished with an open episode. `tracks` are the tracks of the last frame.
    """

    def __init__(self) -> None:
        self.named: dict[int, SceneObject] = {}
        self.moving: dict[int, SceneObject] = {}
        self.adrift: list[SceneObject] = []
        self.tracks: Sequence[Track] = ()
        self.rules: tuple[Rule, ...] = ()

    def configure(self, rules: Sequence[Rule]) -> None:
        """Other rules hold from now on, and remember nothing of the objects."""
        self.rules = tuple(rules)
        for one in (*self.named.values(), *self.moving.values()):
            one.forget_rules(rules)

    def observe(self, tracks: Sequence[Track], movers: Sequence[Mover]) -> None:
        """What the detector and the gate see in a frame."""
        self._move(movers)
        self.tracks = tracks
        for track in tracks:
            if track.id not in self.named:
                self.named[track.id] = SceneObject(no_memory(self.rules))

    def pair(self) -> None:
        """Find out which mover each object is in this frame."""
        for one in self.named.values():
            if one.moving_as is not None:
                one.pair(None)
        moving = [(one.mover.box, one) for one in self.moving.values() if one.mover is not None and one.is_moving]
        for track in self.tracks if moving else ():
            if track.seen:
                self.named[track.id].pair(mover_of(track.box, moving))

    def whole_of(self, track: Track, at: MonotonicNs) -> SceneObject | None:
        """The object with an open episode that a track is a part of, or is under another label."""
        if len(self.tracks) == 1:
            return None
        others = [(other, self.named[other.id]) for other in self.tracks]
        return whole_of(track, self.named[track.id], others, at)

    def earlier_self(self, one: SceneObject, kind: EventKind, at: MonotonicNs) -> SceneObject | None:
        """The object of a kind as which it raised its event before the detector lost it."""
        earlier = None if one.moving_as is None else one.moving_as.named_as
        if earlier is None or earlier is one or earlier.episode is None or earlier.episode.event.kind is not kind:
            return None
        return earlier if is_same_again(one, earlier, at) else None

    def is_held(self, one: SceneObject, at: MonotonicNs) -> bool:
        """Whether an object that the detector does not see keeps moving."""
        return is_held(one, self.moving.values(), at)

    def is_pending(self, mover: SceneObject) -> bool:
        """Whether the detector is about to name a mover."""
        return any(one.moving_as is mover and one.alarm.evidence for one in self.named.values())

    def taken(self, at: MonotonicNs) -> list[NormalBox]:
        """Where named objects are about which there was an event."""
        recent = [one for one in self.named.values() if at - one.seen_at <= TAKEN_S * NS_PER_S]
        on = (one.episode.box for one in recent if one.episode is not None)
        stay = (one.box for one in recent if one.episode is None and is_told(one) and not _is_vehicle(one))
        return [box for box in (*on, *stay) if box is not None]

    def gone(self, at: MonotonicNs) -> list[SceneObject]:
        """The named objects with an episode whose tracks are lost; what is lost without one is forgotten."""
        here = {track.id for track in self.tracks}
        lost = {track: one for track, one in self.named.items() if track not in here and not self.is_held(one, at)}
        for track, one in lost.items():
            if one.episode is None:
                del self.named[track]
        return [one for one in lost.values() if one.episode is not None]

    def objects(self) -> Iterable[SceneObject]:
        """Every object."""
        return *self.named.values(), *self.moving.values(), *self.adrift

    def episodes(self) -> list[OpenEpisode]:
        """The open episodes."""
        return [one.episode for one in self.objects() if one.episode is not None]

    def forget(self) -> None:
        """Start afresh."""
        self.named, self.moving, self.adrift, self.tracks = {}, {}, [], ()

    def _move(self, movers: Sequence[Mover]) -> None:
        before, self.moving = self.moving, {}
        for mover in movers:
            self.moving[mover.id] = before.pop(mover.id) if mover.id in before else SceneObject(no_memory(self.rules))
        self.adrift = [one for one in (*self.adrift, *before.values()) if one.episode is not None]
        for mover in movers:
            one = self.moving[mover.id]
            one.move(mover)
            if one.episode is None and not one.is_named and mover.seen:
                self._bring_back(one)

    def _bring_back(self, one: SceneObject) -> None:
        vanished = next((lost for lost in self.adrift if is_back(lost, one)), None)
        if vanished is not None:
            self.adrift.remove(vanished)
            bring_back(one, vanished)


def _is_vehicle(one: SceneObject) -> bool:
    """Nothing moves of a vehicle that stands: what does is somebody before it."""
    return one.stay is not None and one.stay.kind is EventKind.VEHICLE
