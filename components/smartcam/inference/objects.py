"""The analysis of objects: detections become tracks, tracks become episodes, one object one episode."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis import ObjectModel, alarm_policy, can_go_on
from smartcam.inference.events import STORE_EVERY_S, Change, EventMaker, OpenEpisode, Sight, stored
from smartcam.inference.settings import CameraSettings
from smartcam.model.scoring import Detections
from smartcam.vision.alarm import AlarmState, Observation, Transition, step
from smartcam.vision.boxes import Boxes, covers, overlaps
from smartcam.vision.frame import Frame
from smartcam.vision.track import Sightings, Tracker, Tracks
from smartcam.vision.zone import zone_of
from smartcam.vision.visibility import Visibility

SHADOW_COVER: Final = 0.6
"""A track that lies so far within an object of its kind whose episode is on is taken for a part of it."""
SAME_IOU: Final = 0.3
"""Least overlap of a track with an earlier process's episode of the same object."""
RESUME_S: Final = 10.0
"""How long an earlier process's episodes wait for their objects to show up again."""
LOOK_AFTER_S: Final = 3.0
"""Tracks that were seen this recently are looked at, also where nothing moves."""


@dataclass(slots=True)
class _Watched:
    """What is remembered of one track."""

    alarm: AlarmState = field(default_factory=AlarmState)
    episode: OpenEpisode | None = None
    moves: int = 0
    was_shadow: bool = False


class ObjectAnalysis:
    """One camera's objects."""

    def __init__(self, model: ObjectModel, maker: EventMaker, settings: CameraSettings) -> None:
        self._model = model
        self._maker = maker
        self._kinds = sorted(set(model.manifest.events.values()))
        self._labels = model.manifest.labels
        self._tracker = Tracker()
        self._tracks: Tracks | None = None
        self._watched: dict[int, _Watched] = {}
        self._orphans: list[OpenEpisode] = []
        self._orphans_until: MonotonicNs | None = None
        self._last = MonotonicNs(-1)
        self.configure(settings)

    def configure(self, settings: CameraSettings) -> None:
        """Go on with other settings; an episode that is on stays on."""
        self._policy = alarm_policy(self._model.manifest, settings)
        self._zones = settings.zones
        wanted = settings.labels or self._labels
        self._events = {label: kind for label, kind in self._model.manifest.events.items() if label in wanted}

    def look(self, frame: Frame, visibility: Visibility = Visibility.CLEAR) -> list[Change]:  # noqa: ARG002
        """What the frame changes. A frame that is not newer than the last changes nothing."""
        if frame.captured_mono <= self._last:
            return []
        self._last = frame.captured_mono
        found = self._model.detector.detect(frame.picture, self._regions(frame))
        sightings = self._sightings(found, frame)
        tracks = self._tracks = self._tracker.step(frame.captured_mono, sightings, _shares(frame.motion, frame))
        self._adopt(tracks)
        changes = [change for row in range(len(tracks)) for change in self._advance(tracks, row, frame)]
        return [*changes, *self._let_go(tracks, frame), *self._clear_orphans(frame), *self._store(frame)]

    def end(self, at: UtcNs) -> list[Change]:
        """Every open episode ends, and the tracks are forgotten."""
        changes = [self._maker.cleared(episode, at) for episode in self.episodes()]
        self._tracker.forget()
        self._tracks, self._watched, self._orphans = None, {}, []
        return changes

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Go on with episodes of an earlier process, as soon as their objects are found where they were."""
        self._orphans += episodes
        self._orphans_until = None

    def episodes(self) -> list[OpenEpisode]:
        """The episodes that are on."""
        watched = (item.episode for item in self._watched.values())
        return [*self._orphans, *(episode for episode in watched if episode is not None)]

    def _regions(self, frame: Frame) -> list[PixelBox]:
        """Where to look: at motion and at known objects; everywhere in a still picture."""
        if not frame.motion or self._tracks is None:
            return list(frame.motion)
        recent = self._tracks.boxes[self._tracks.unseen_s <= LOOK_AFTER_S]
        return [*frame.motion, *(box for row in recent if (box := _pixels(row, frame)) is not None)]

    def _sightings(self, found: Detections, frame: Frame) -> Sightings:
        kept = [row for row, label in enumerate(found.labels) if label in self._events]
        width, height = frame.picture.width, frame.picture.height
        scale = np.array([width, height, width, height], np.float32)
        labels = [found.labels[row] for row in kept]
        return Sightings(
            boxes=np.clip(found.boxes[kept] / scale, 0.0, 1.0).astype(np.float32).reshape(-1, 4),
            scores=found.scores[kept],
            groups=np.array([self._kinds.index(self._events[label]) for label in labels], np.int64),
            labels=np.array([self._labels.index(label) for label in labels], np.int64),
            looked_at=_shares(found.looked_at, frame) if found.looked_at else None,
        )

    def _advance(self, tracks: Tracks, row: int, frame: Frame) -> list[Change]:
        watched = self._watched.setdefault(int(tracks.ids[row]), _Watched())
        watched.moves = int(tracks.moves[row])
        if not (tracks.seen[row] or tracks.missed[row]):
            return []
        box = _normal(tracks.boxes[row])
        zone = zone_of(self._zones, box) if self._zones and box is not None else None
        is_shadow = watched.episode is None and self._in_shadow(tracks, row)
        score = float(tracks.scores[row])
        observation = Observation(
            at=tracks.at,
            score=score,
            seen=bool(tracks.seen[row]),
            moves=watched.moves,
            allowed=box is not None and not is_shadow and (zone is not None or not self._zones),
        )
        watched.alarm, transition = step(self._policy, watched.alarm, observation)
        if is_shadow and not watched.was_shadow and watched.alarm.streak >= self._policy.min_frames:
            watched.was_shadow = True
            self._count_suppressed(tracks, row)
        if transition is Transition.RAISED:
            label = self._labels[int(tracks.labels[row])]
            sight = Sight(
                self._kind(tracks, row), score, self._policy.raise_at, box, label, None if zone is None else zone.name
            )
            return self._raise(watched, sight, frame)
        return self._go_on(watched, transition, score, box, frame)

    def _raise(self, watched: _Watched, sight: Sight, frame: Frame) -> list[Change]:
        orphan = next((item for item in self._orphans if item.event.kind is sight.kind and can_go_on(item)), None)
        if orphan is not None:
            # The object went somewhere else while the process restarted: its event is out already.
            self._orphans.remove(orphan)
            watched.episode = replace(orphan, box=sight.box)
            return []
        watched.episode, change = self._maker.raised(sight, frame.captured_at, frame.captured_mono)
        return [change]

    def _go_on(
        self, watched: _Watched, transition: Transition | None, score: float, box: NormalBox | None, frame: Frame
    ) -> list[Change]:
        episode = watched.episode
        if episode is None:
            return []
        if transition is Transition.CLEARED:
            watched.episode = None
            return [self._maker.cleared(episode, frame.captured_at)]
        watched.episode = replace(episode, box=box or episode.box, peak=max(episode.peak, score))
        return []

    def _let_go(self, tracks: Tracks, frame: Frame) -> list[Change]:
        """Count down the episodes whose tracks are gone."""
        changes = []
        alive = set(tracks.ids.tolist())
        for track, watched in list(self._watched.items()):
            if track in alive:
                continue
            if watched.episode is None:
                del self._watched[track]
                continue
            gone = Observation(tracks.at, 0.0, seen=False, moves=watched.moves)
            watched.alarm, transition = step(self._policy, watched.alarm, gone)
            changes += self._go_on(watched, transition, 0.0, None, frame)
        return changes

    def _store(self, frame: Frame) -> list[Change]:
        changes = []
        for watched in self._watched.values():
            episode = watched.episode
            if episode is not None and frame.captured_mono - episode.stored_at >= STORE_EVERY_S * NS_PER_S:
                watched.episode = replace(episode, stored_at=frame.captured_mono)
                changes.append(Change(None, stored(watched.episode)))
        return changes

    def _adopt(self, tracks: Tracks) -> None:
        """Give episodes of an earlier process to the tracks that are where their objects were."""
        for row in np.flatnonzero(tracks.seen).tolist():
            watched = self._watched.setdefault(int(tracks.ids[row]), _Watched())
            orphan = self._orphan_at(tracks.boxes[row], self._kind(tracks, row))
            if watched.episode is None and orphan is not None:
                self._orphans.remove(orphan)
                watched.episode = orphan
                watched.alarm = AlarmState(open=True)

    def _orphan_at(self, box: Boxes, kind: EventKind) -> OpenEpisode | None:
        for orphan in self._orphans:
            if orphan.event.kind is kind and can_go_on(orphan) and orphan.box is not None:
                there = np.array([[orphan.box.x1, orphan.box.y1, orphan.box.x2, orphan.box.y2]])
                if overlaps(box[None], there)[0, 0] >= SAME_IOU:
                    return orphan
        return None

    def _clear_orphans(self, frame: Frame) -> list[Change]:
        if self._orphans_until is None:
            self._orphans_until = MonotonicNs(frame.captured_mono + round(RESUME_S * NS_PER_S))
        in_time = frame.captured_mono < self._orphans_until
        over = [item for item in self._orphans if not (in_time and can_go_on(item))]
        self._orphans = [item for item in self._orphans if item not in over]
        return [self._maker.cleared(episode, frame.captured_at) for episode in over]

    def _kind(self, tracks: Tracks, row: int) -> EventKind:
        return self._kinds[int(tracks.groups[row])]

    def _in_shadow(self, tracks: Tracks, row: int) -> bool:
        others = self._open_rows(tracks, row)
        return bool(len(others)) and float(covers(tracks.boxes[[row]], tracks.boxes[others]).max()) >= SHADOW_COVER

    def _open_rows(self, tracks: Tracks, row: int) -> list[int]:
        """The tracks of the same kind, seen now, whose episodes are on."""
        return [
            other
            for other in np.flatnonzero(tracks.seen & (tracks.groups == tracks.groups[row])).tolist()
            if other != row
            and (watched := self._watched.get(int(tracks.ids[other]))) is not None
            and watched.episode is not None
        ]

    def _count_suppressed(self, tracks: Tracks, row: int) -> None:
        others = self._open_rows(tracks, row)
        nearest = others[int(np.argmax(covers(tracks.boxes[[row]], tracks.boxes[others])[0]))]
        watched = self._watched[int(tracks.ids[nearest])]
        if watched.episode is not None:
            watched.episode = replace(watched.episode, suppressed=watched.episode.suppressed + 1)


def _shares(boxes: Sequence[PixelBox], frame: Frame) -> Boxes:
    width, height = frame.picture.width, frame.picture.height
    rows = [(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height) for box in boxes]
    return np.array(rows, np.float32).reshape(-1, 4)


def _normal(row: Boxes) -> NormalBox | None:
    """The box within the picture, None where nothing of it is."""
    x1, y1, x2, y2 = (min(max(float(side), 0.0), 1.0) for side in row)
    return NormalBox(x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def _pixels(row: Boxes, frame: Frame) -> PixelBox | None:
    box = _normal(row)
    if box is None:
        return None
    width, height = frame.picture.width, frame.picture.height
    x1, y1, x2, y2 = round(box.x1 * width), round(box.y1 * height), round(box.x2 * width), round(box.y2 * height)
    return PixelBox(x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None
