"""The measurement's result: for machines as JSON, for people as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from devkit.score.matching import Outcome, area_under_curve
from devkit.score.playback import Playback

_S_PER_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class ClipScore:
    """One clip: what was played, and what its events were worth."""

    video: str
    playback: Playback
    outcome: Outcome

    @property
    def frame_auc(self) -> float | None:
        """How well the anomaly score tells labelled frames from others; None for detectors."""
        intervals, fps = self.outcome.intervals, self.outcome.fps
        inside = [any(i.first <= scored.at_s * fps <= i.last for i in intervals) for scored in self.playback.scores]
        return area_under_curve([scored.score for scored in self.playback.scores], inside)


@dataclass(frozen=True, slots=True)
class Score:
    """All clips together. Where nothing is expected the recall is 1, where nothing is raised the precision is 1."""

    clips: tuple[ClipScore, ...]

    @property
    def expected(self) -> int:
        """Labelled intervals."""
        return sum(len(clip.outcome.intervals) for clip in self.clips)

    @property
    def found(self) -> int:
        """Intervals with an event."""
        return sum(clip.outcome.found for clip in self.clips)

    @property
    def false(self) -> int:
        """Events that belong to no interval, or to one that had its event already."""
        return sum(clip.outcome.false for clip in self.clips)

    @property
    def recall(self) -> float:
        """Found of expected."""
        return self.found / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Found of raised."""
        raised = self.found + self.false
        return self.found / raised if raised else 1.0

    @property
    def false_per_hour(self) -> float:
        """False events per hour of clip."""
        seconds = sum(clip.playback.seconds for clip in self.clips)
        return self.false / (seconds / _S_PER_HOUR) if seconds else 0.0

    @property
    def seconds_to_alert(self) -> list[float]:
        """Of every interval that was found."""
        return [seconds for clip in self.clips for seconds in clip.outcome.seconds_to_alert]

    @property
    def ms_per_frame(self) -> dict[str, float]:
        """CPU milliseconds by stage, over all pictures that were read."""
        read = sum(clip.playback.frames_read for clip in self.clips)
        stages = {stage for clip in self.clips for stage in clip.playback.ms_per_frame}
        return {
            stage: sum(c.playback.ms_per_frame.get(stage, 0.0) * c.playback.frames_read for c in self.clips)
            / max(read, 1)
            for stage in sorted(stages)
        }


def as_document(score: Score) -> dict[str, object]:
    """The result as a JSON object."""
    return {
        "clips": [_clip(clip) for clip in score.clips],
        "recall": score.recall,
        "precision": score.precision,
        "false_per_hour": score.false_per_hour,
        "ms_per_frame": score.ms_per_frame,
    }


def _clip(clip: ClipScore) -> dict[str, object]:
    outcome, playback = clip.outcome, clip.playback
    taken = {place for place in outcome.found_by if place is not None}
    document: dict[str, object] = {
        "video": clip.video,
        "expected": len(outcome.intervals),
        "found": outcome.found,
        "false": outcome.false,
        "seconds_to_alert": [round(seconds, 3) for seconds in outcome.seconds_to_alert],
        "events": [
            {
                "kind": event.kind,
                "label": event.label,
                "start_s": round(event.start_s, 3),
                "end_s": None if event.end_s is None else round(event.end_s, 3),
                "score": round(event.score, 4),
                "is_false": place not in taken,
            }
            for place, event in enumerate(outcome.events)
        ],
        "missed": [
            {"word": interval.word, "first": interval.first, "last": interval.last}
            for interval, place in zip(outcome.intervals, outcome.found_by, strict=True)
            if place is None
        ],
        "frames": {"read": playback.frames_read, "analysed": playback.frames_analysed},
        "ms_per_frame": playback.ms_per_frame,
    }
    return document if clip.frame_auc is None else document | {"frame_auc": clip.frame_auc}


def as_table(score: Score) -> str:
    """The result for people: a line a clip, a line an event that is false, a line for the whole."""
    header = f"{'clip':44} {'expected':>8} {'found':>6} {'false':>6} {'median s':>9} {'worst s':>8} {'AUC':>6}"
    lines = [header, "-" * len(header)]
    for clip in score.clips:
        outcome = clip.outcome
        auc = "" if clip.frame_auc is None else f"{clip.frame_auc:.3f}"
        lines.append(
            f"{clip.video[:44]:44} {len(outcome.intervals):8} {outcome.found:6} {outcome.false:6} "
            f"{_middle(outcome.seconds_to_alert):>9} {_worst(outcome.seconds_to_alert):>8} {auc:>6}"
        )
        lines += _faults(outcome)
    lines.append("-" * len(header))
    lines.append(
        f"{'all':44} {score.expected:8} {score.found:6} {score.false:6} "
        f"{_middle(score.seconds_to_alert):>9} {_worst(score.seconds_to_alert):>8}"
    )
    costs = ", ".join(f"{stage} {ms:.2f}" for stage, ms in score.ms_per_frame.items())
    lines.append(
        f"recall {score.recall:.3f}, precision {score.precision:.3f}, false alarms per hour "
        f"{score.false_per_hour:.2f}; CPU ms per frame: {costs}"
    )
    return "\n".join(lines)


def _faults(outcome: Outcome) -> list[str]:
    taken = {place for place in outcome.found_by if place is not None}
    false = [event for place, event in enumerate(outcome.events) if place not in taken]
    missed = [i for i, place in zip(outcome.intervals, outcome.found_by, strict=True) if place is None]
    return [
        *(f"    false: {event.kind} at {event.start_s:.1f} s, score {event.score:.2f}" for event in false),
        *(f"    missed: {i.word} in frames {i.first} to {i.last}" for i in missed),
    ]


def _middle(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.2f}" if seconds else ""


def _worst(seconds: Sequence[float]) -> str:
    return f"{max(seconds):.2f}" if seconds else ""
