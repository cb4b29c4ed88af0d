"""The measurement's result: for machines as JSON, for people as a table."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np

from tools.score.matching import MatchResult, SeenEvent, area_under_curve
from tools.score.playback import Playback

_S_PER_HOUR: Final = 3600.0
_NOBODY: Final = "(none)"


@dataclass(frozen=True, slots=True)
class ClipScore:
    """One clip: what was played, and how its events matched."""

    video: str
    playback: Playback
    outcome: MatchResult
    in_words: Mapping[str, str] = field(default_factory=dict)
    """What the labels say in words only, which cannot be judged."""
    doubts: tuple[str, ...] = ()
    """Why the labels may be of another clip."""

    @property
    def frame_auc(self) -> float | None:
        """How well the anomaly score tells labelled frames from others; None for detectors."""
        inside = [any(span.holds(scored.at_s) for span in self.outcome.spans) for scored in self.playback.scores]
        return area_under_curve([scored.score for scored in self.playback.scores], inside)


@dataclass(slots=True)
class Tally:
    """What became of the events of one rule or cause."""

    found: int = 0
    beside: int = 0
    false: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """All clips together. Where nothing is expected the recall is 1, where nothing is raised the precision is 1."""

    clips: tuple[ClipScore, ...]

    @property
    def expected(self) -> int:
        """Labelled intervals."""
        return sum(len(clip.outcome.spans) for clip in self.clips)

    @property
    def found(self) -> int:
        """Intervals with an event."""
        return sum(clip.outcome.found for clip in self.clips)

    @property
    def beside(self) -> int:
        """Events about further objects in sight, which the labels do not count: neither found nor false."""
        return sum(len(clip.outcome.beside) for clip in self.clips)

    @property
    def false(self) -> int:
        """Events that belong to no interval, or to an object that already had its event."""
        return sum(clip.outcome.false for clip in self.clips)

    @property
    def recall(self) -> float:
        """Found of expected."""
        return self.found / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Found of found and false."""
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

    def delay(self, share: float) -> float | None:
        """The seconds to alert that this share of the intervals found did not exceed; None where none was found."""
        return quantile(self.seconds_to_alert, share)

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

    def tallies(self, key: Callable[[SeenEvent], str | None]) -> dict[str, Tally]:
        """What became of the events, by what `key` says of each."""
        tallies: defaultdict[str, Tally] = defaultdict(Tally)
        for clip in self.clips:
            for place, event in enumerate(clip.outcome.events):
                tally = tallies[key(event) or _NOBODY]
                tally.false += clip.outcome.is_false(place)
                tally.beside += place in clip.outcome.beside
                tally.found += place in clip.outcome.found_by
        return dict(sorted(tallies.items()))


def quantile(seconds: Sequence[float], share: float) -> float | None:
    """The value that this share of them does not exceed, between neighbours where it falls there."""
    return float(np.quantile(seconds, share)) if seconds else None


def cause_of(event: SeenEvent) -> str:
    """The kind of an event and why it was raised."""
    return f"{event.kind}: {event.cause or _NOBODY}"


def as_document(score: Score) -> dict[str, object]:
    """The result as a JSON object."""
    return {
        "clips": [_clip(clip) for clip in score.clips],
        "expected": score.expected,
        "found": score.found,
        "beside": score.beside,
        "false": score.false,
        "recall": score.recall,
        "precision": score.precision,
        "false_per_hour": score.false_per_hour,
        "seconds_to_alert": {"median": score.delay(0.5), "p95": score.delay(0.95), "worst": score.delay(1.0)},
        "by_rule": _breakdown(score.tallies(lambda event: event.rule)),
        "by_cause": _breakdown(score.tallies(cause_of)),
        "ms_per_frame": score.ms_per_frame,
    }


def _breakdown(tallies: dict[str, Tally]) -> dict[str, dict[str, int]]:
    return {name: asdict(tally) for name, tally in tallies.items()}


def _clip(clip: ClipScore) -> dict[str, object]:
    outcome, playback = clip.outcome, clip.playback
    document: dict[str, object] = {
        "video": clip.video,
        "expected": len(outcome.spans),
        "found": outcome.found,
        "beside": len(outcome.beside),
        "false": outcome.false,
        "seconds_to_alert": [round(seconds, 3) for seconds in outcome.seconds_to_alert],
        "events": [
            {
                "kind": event.kind,
                "label": event.label,
                "rule": event.rule,
                "cause": event.cause,
                "start_s": round(event.start_s, 3),
                "end_s": None if event.end_s is None else round(event.end_s, 3),
                "score": round(event.score, 4),
                "renamed": event.renamed,
                "is_beside": place in outcome.beside,
                "is_false": outcome.is_false(place),
            }
            for place, event in enumerate(outcome.events)
        ],
        "missed": [
            {"word": each.word, "first": each.first, "last": each.last, "unit": each.unit} for each in outcome.missed
        ],
        "doubts": list(clip.doubts),
        "not_judged": dict(clip.in_words),
        "frames": {"read": playback.frames_read, "analysed": playback.frames_analysed},
        "seconds": round(playback.seconds, 3),
        "ms_per_frame": playback.ms_per_frame,
    }
    return document if clip.frame_auc is None else document | {"frame_auc": clip.frame_auc}


def as_table(score: Score) -> str:
    """The result for people: a line for each clip, for each false event and for the whole."""
    header = (
        f"{'clip':44} {'expected':>8} {'found':>6} {'beside':>6} {'false':>6} "
        f"{'median s':>9} {'p95 s':>6} {'worst s':>8} {'AUC':>6}"
    )
    lines = [header, "-" * len(header)]
    for clip in score.clips:
        outcome = clip.outcome
        auc = "" if clip.frame_auc is None else f"{clip.frame_auc:.3f}"
        counts = len(outcome.spans), outcome.found, len(outcome.beside), outcome.false
        lines.append(f"{clip.video[:44]:44} {_counts(*counts)} {_delays(outcome.seconds_to_alert)} {auc:>6}")
        lines += [
            f"    not judged: {word}, of which the labels only say {said!r}" for word, said in clip.in_words.items()
        ]
        lines += _faults(outcome)
    lines.append("-" * len(header))
    counts = score.expected, score.found, score.beside, score.false
    lines.append(f"{'all':44} {_counts(*counts)} {_delays(score.seconds_to_alert)}")
    lines += _shares_of("rule", score.tallies(lambda event: event.rule))
    lines += _shares_of("cause", score.tallies(cause_of))
    costs = ", ".join(f"{stage} {ms:.2f}" for stage, ms in score.ms_per_frame.items())
    lines.append(
        f"recall {score.recall:.3f}, precision {score.precision:.3f}, false alarms per hour "
        f"{score.false_per_hour:.2f}; CPU ms per frame: {costs}"
    )
    return "\n".join(lines)


def _shares_of(what: str, tallies: dict[str, Tally]) -> list[str]:
    return [
        f"    {what + ' ' + name:49} {tally.found:6} {tally.beside:6} {tally.false:6}"
        for name, tally in tallies.items()
    ]


def _faults(outcome: MatchResult) -> list[str]:
    false = [event for place, event in enumerate(outcome.events) if outcome.is_false(place)]
    return [
        *(
            f"    false: {event.kind} at {event.start_s:.1f} s, score {event.score:.2f}, "
            f"rule {event.rule or _NOBODY}, cause {event.cause or _NOBODY}"
            for event in false
        ),
        *(f"    missed: {each}" for each in outcome.missed),
    ]


def _counts(expected: int, found: int, beside: int, false: int) -> str:
    return f"{expected:8} {found:6} {beside:6} {false:6}"


def _delays(seconds: Sequence[float]) -> str:
    cells = (
        "" if delay is None else f"{delay:.2f}" for delay in (quantile(seconds, share) for share in (0.5, 0.95, 1))
    )
    return "{:>9} {:>6} {:>8}".format(*cells)
