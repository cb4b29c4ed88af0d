"""Which sighting continues which track."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smartcam.vision.corners import TINY, Corners
from smartcam.vision.pairing import Pair, by_turn, choose, closeness, overlapping
from smartcam.vision.passing import Course, is_inside, is_stirring
from smartcam.vision.track_state import Sighting, TrackPolicy, TrackState

_WIDEST_REACH: Final = 3.0
_FIRST_REACH: Final = 2.5
"""What moves and was seen only once may have any speed: it can have gone this many times farther than what is known."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The tracks of one camera at a time `at`, nanoseconds of the monotonic clock, and what is known of the motion."""

    tracks: Sequence[TrackState]
    policy: TrackPolicy
    at: int
    motion: Sequence[Corners]
    ways: Sequence[Course]

    def rows(self, found: Sequence[Sighting]) -> list[int]:
        """The row of the track that each sighting continues, -1 for none."""
        track_of = [-1] * len(found)
        if not found or not self.tracks:
            return track_of
        predicted = [track.predicted(self.at) for track in self.tracks]
        recent = [track.unseen_s(self.at) <= self.policy.lost_after_s for track in self.tracks]
        pairs = self._overlapping(predicted, found)
        strong = [self.policy.begins(sighting) for sighting in found]
        choose(pairs if all(strong) and all(recent) else by_turn(pairs, strong, recent), track_of)
        if -1 in track_of:
            choose(self._jumps(predicted, recent, found, track_of), track_of)
        if -1 in track_of and self.motion:
            choose(self._leaps(found, track_of), track_of)
        return track_of

    def _overlapping(self, predicted: Sequence[Corners], found: Sequence[Sighting]) -> list[Pair]:
        """The pairs of a kind that overlap, the best first."""
        places = [(there, track.box) for there, track in zip(predicted, self.tracks, strict=True)]
        pairs = overlapping(places, [sighting.box for sighting in found], self.policy.match_iou)
        pairs = [pair for pair in pairs if self.tracks[pair[1]].kind is found[pair[2]].kind]
        if not self.ways:
            return pairs
        return [pair for pair in pairs if self.tracks[pair[1]].may_be(found[pair[2]].box, self.policy, self.ways)]

    def _jumps(
        self, predicted: Sequence[Corners], recent: Sequence[bool], found: Sequence[Sighting], track_of: Sequence[int]
    ) -> list[Pair]:
        """The pairs of what is left that may be a jump: close together and of similar size, though nothing overlaps."""
        left = self._left(found, track_of)
        rows = [row for row, is_recent in enumerate(recent) if is_recent and row not in track_of] if left else []
        pairs = []
        for index in left if rows else ():
            stirs = is_stirring(found[index].box, self.motion, self.ways, self.policy.arrived_cover)
            for row in rows:
                near = self._near(row, found[index], predicted, self._reach(self.tracks[row], stirs=stirs))
                pairs += [(-near, row, index)] if near else []
        return sorted(pairs)

    def _leaps(self, found: Sequence[Sighting], track_of: Sequence[int]) -> list[Pair]:
        """The pairs of what is left now that may be the second look at something fast."""
        rows = [row for row, track in enumerate(self.tracks) if track.is_new and row not in track_of]
        last, reach = [track.box for track in self.tracks], self.policy.reach * _FIRST_REACH
        pairs = []
        for index in self._left(found, track_of) if rows else ():
            if is_stirring(found[index].box, self.motion, self.ways, self.policy.arrived_cover):
                pairs += [(-near, row, index) for row in rows if (near := self._near(row, found[index], last, reach))]
        return sorted(pairs)

    def _left(self, found: Sequence[Sighting], track_of: Sequence[int]) -> list[int]:
        """The strong sightings without a track."""
        return [index for index, row in enumerate(track_of) if row < 0 and self.policy.begins(found[index])]

    def _near(self, row: int, sighting: Sighting, places: Sequence[Corners], reach: float) -> float:
        """How near a sighting is to where a track may be by now, or was last; 0 if they do not belong together."""
        track = self.tracks[row]
        near = closeness(sighting.box, places[row], track.box, reach) if track.kind is sighting.kind else 0.0
        return near if near >= TINY and track.may_be(sighting.box, self.policy, self.ways) else 0.0

    def _reach(self, track: TrackState, *, stirs: bool) -> float:
        """How far it may have jumped, in sizes of the object.

        Farther if it vanished on its way; but what rests does not roam, and what shows up without moving was there all
        the time.
        """
        is_roaming = stirs and track.was_missed and is_inside(track.box) and not track.rests(self.policy)
        return self.policy.reach * (min(1 + track.unseen_s(self.at), _WIDEST_REACH) if is_roaming else 1.0)
