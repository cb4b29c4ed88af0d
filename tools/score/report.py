"""The measurement's result: for machines as JSON, for people as a table."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tools.score.matching import Counted, Judged, MatchResult, MatchVerdict, area_under_curve
from tools.score.playback import Playback
from tools.score.targets import SeenEvent, Target

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
        spans = [span for target in self.outcome.targets for span, _ in target.spans]
        inside = [any(span.holds(scored.at_s) for span in spans) for scored in self.playback.scores]
        return area_under_curve([scored.score for scored in self.playback.scores], inside)


@dataclass(frozen=True, slots=True)
class Score(Counted):
    """All clips together. Where nothing is expected the recall is 1, where nothing is raised the precision is 1."""

    clips: tuple[ClipScore, ...]

    @property
    def expected(self) -> int:
        """Objects that are to raise an event."""
        return sum(clip.outcome.expected for clip in self.clips)

    @property
    def events(self) -> int:
        """All events."""
        return sum(len(clip.outcome.judged) for clip in self.clips)

    def count(self, verdict: MatchVerdict) -> int:
        """Events with this verdict."""
        return sum(clip.outcome.count(verdict) for clip in self.clips)

    @property
    def recall(self) -> float:
        """Found of expected."""
        return self.found / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Found of found, duplicate and false."""
        raised = self.found + self.duplicates + self.false
        return self.found / raised if raised else 1.0

    @property
    def hours(self) -> float:
        """Of all clips."""
        return sum(clip.playback.seconds for clip in self.clips) / _S_PER_HOUR

    @property
    def false_per_hour(self) -> float:
        """False events per hour of clip."""
        return self.false / self.hours if self.hours else 0.0

    @property
    def events_per_hour(self) -> float:
        """Events of all verdicts per hour of clip: what a person is told."""
        return self.events / self.hours if self.hours else 0.0

    @property
    def events_per_object(self) -> float | None:
        """Events for each object that was found, None for none; objects that were missed do not make it smaller."""
        return (self.found + self.duplicates) / self.found if self.found else None

    @property
    def recalled(self) -> int:
        """How many pictures' detections came from the cache; their model time is in no figure."""
        return sum(clip.playback.recalled for clip in self.clips)

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

    def tallies(self, key: Callable[[SeenEvent], str | None]) -> dict[str, Counter[MatchVerdict]]:
        """What became of the events, by what `key` says of each."""
        tallies: defaultdict[str, Counter[MatchVerdict]] = defaultdict(Counter)
        for clip in self.clips:
            for each in clip.outcome.judged:
                tallies[key(each.event) or _NOBODY][each.verdict] += 1
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
        "missed": score.expected - score.found,
        "duplicates": score.duplicates,
        "false": score.false,
        "unsure": score.unsure,
        "recall": score.recall,
        "precision": score.precision,
        "hours": score.hours,
        "events_per_hour": score.events_per_hour,
        "events_per_object": score.events_per_object,
        "false_per_hour": score.false_per_hour,
        "seconds_to_alert": {"median": score.delay(0.5), "p95": score.delay(0.95), "worst": score.delay(1.0)},
        "by_rule": _breakdown(score.tallies(lambda event: event.rule)),
        "by_cause": _breakdown(score.tallies(cause_of)),
        "ms_per_frame": score.ms_per_frame,
        "detections_from_cache": score.recalled,
    }


def _breakdown(tallies: dict[str, Counter[MatchVerdict]]) -> dict[str, dict[str, int]]:
    return {name: {str(verdict): tally[verdict] for verdict in MatchVerdict} for name, tally in tallies.items()}


def _clip(clip: ClipScore) -> dict[str, object]:
    outcome, playback = clip.outcome, clip.playback
    document: dict[str, object] = {
        "video": clip.video,
        "expected": outcome.expected,
        "found": outcome.found,
        "duplicates": outcome.duplicates,
        "false": outcome.false,
        "unsure": outcome.unsure,
        "events_per_hour": Score((clip,)).events_per_hour,
        "events_per_object": Score((clip,)).events_per_object,
        "seconds_to_alert": [round(seconds, 3) for seconds in outcome.seconds_to_alert],
        "events": [_event(each, outcome) for each in outcome.judged],
        "missed": [_missed(each) for each in outcome.missed],
        "doubts": list(clip.doubts),
        "not_judged": dict(clip.in_words),
        "frames": {"read": playback.frames_read, "analysed": playback.frames_analysed},
        "seconds": round(playback.seconds, 3),
        "ms_per_frame": playback.ms_per_frame,
        "detections_from_cache": playback.recalled,
    }
    return document if clip.frame_auc is None else document | {"frame_auc": clip.frame_auc}


def _event(judged: Judged, outcome: MatchResult) -> dict[str, object]:
    event = judged.event
    return {
        "kind": event.kind,
        "label": event.label,
        "rule": event.rule,
        "cause": event.cause,
        "start_s": round(event.start_s, 3),
        "end_s": None if event.end_s is None else round(event.end_s, 3),
        "score": round(event.score, 4),
        "box": None if event.box is None else [round(side, 4) for side in event.box],
        "renamed": event.renamed,
        "verdict": judged.verdict,
        "about": None if judged.target is None else str(outcome.targets[judged.target]),
    }


def _missed(target: Target) -> dict[str, object]:
    (first, _), (last, _) = target.spans[0], target.spans[-1]
    named = {"id": target.name} if target.name else {}
    return named | {
        "word": target.word,
        "first": first.interval.first,
        "last": last.interval.last,
        "unit": first.interval.unit,
    }


def as_table(score: Score) -> str:
    """The result for people: a line for each clip, for each fault and for the whole."""
    header = (
        f"{'clip':40} {'expected':>8} {'events':>6} {'found':>6} {'missed':>6} {'twice':>6} {'false':>6} {'unsure':>6} "
        f"{'an hour':>7} {'an object':>9} {'median s':>9} {'p95 s':>6} {'worst s':>8} {'AUC':>6}"
    )
    lines = [header, "-" * len(header)]
    for clip in score.clips:
        auc = "" if clip.frame_auc is None else f"{clip.frame_auc:.3f}"
        lines.append(f"{_row(clip.video, Score((clip,)))} {auc:>6}")
        lines += [
            f"    not judged: {word}, of which the labels only say {said!r}" for word, said in clip.in_words.items()
        ]
        lines += _faults(clip.outcome)
    lines.append("-" * len(header))
    lines.append(_row("all", score))
    lines += _shares_of("rule", score.tallies(lambda event: event.rule))
    lines += _shares_of("cause", score.tallies(cause_of))
    lines.append(
        f"recall {score.recall:.3f}, precision {score.precision:.3f}; in {score.hours:.2f} hours "
        f"{score.false_per_hour:.2f} false alarms an hour"
    )
    costs = ", ".join(f"{stage} {ms:.2f}" for stage, ms in score.ms_per_frame.items())
    cached = f" (without the model where {score.recalled} detections came from the cache)" if score.recalled else ""
    lines.append(f"CPU ms per frame: {costs}{cached}")
    return "\n".join(lines)


def _shares_of(what: str, tallies: dict[str, Counter[MatchVerdict]]) -> list[str]:
    return [
        f"    {what + ' ' + name:52} {tally[MatchVerdict.FOUND]:6} {'':6} {tally[MatchVerdict.DUPLICATE]:6} "
        f"{tally[MatchVerdict.FALSE]:6} {tally[MatchVerdict.UNSURE]:6}"
        for name, tally in tallies.items()
    ]


def _faults(outcome: MatchResult) -> list[str]:
    words = {MatchVerdict.FALSE: "false", MatchVerdict.DUPLICATE: "twice"}
    return [
        *(f"    {words[each.verdict]}: {described(each, outcome)}" for each in outcome.judged if each.verdict in words),
        *(f"    missed: {each}" for each in outcome.missed),
    ]


def described(judged: Judged, outcome: MatchResult) -> str:
    """An event in a line: what, when, why, and about which labelled object."""
    event = judged.event
    about = "" if judged.target is None else f", about {outcome.targets[judged.target]}"
    return (
        f"{event.kind} at {event.start_s:.1f} s, score {event.score:.2f}, rule {event.rule or _NOBODY}, "
        f"cause {event.cause or _NOBODY}{about}"
    )


def _row(name: str, score: Score) -> str:
    found, missed = score.found, score.expected - score.found
    counts = f"{score.expected:8} {score.events:6} {found:6} {missed:6} {score.duplicates:6} {score.false:6}"
    per_object = "" if score.events_per_object is None else f"{score.events_per_object:.2f}"
    delays = ("" if delay is None else f"{delay:.2f}" for delay in (score.delay(share) for share in (0.5, 0.95, 1)))
    rates = f"{score.events_per_hour:7.1f} {per_object:>9}"
    return f"{name[:40]:40} {counts} {score.unsure:6} {rates} {'{:>9} {:>6} {:>8}'.format(*delays)}"
