"""What came of learning and testing: in lines for people, as a document for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from tools.command_line import numbered
from tools.normal.judging import ClipVerdict, SceneVerdict
from tools.normal.playing import OddPicture, PlayedClip, RecordingScene

_HOURS_A_DAY: Final = 24.0


@dataclass(frozen=True, slots=True)
class SceneReport:
    """What was learned and found. `facts` are those before any test; `verdict`: None without one.

    `rehearsed`: how often footage that was too short was shown to get any score; 0 if it was long enough.
    `is_early`: a device would not raise anything yet.
    """

    learned: Sequence[PlayedClip]
    facts: dict[str, object]
    scene: RecordingScene
    pictures: Sequence[OddPicture]
    verdict: SceneVerdict | None = None
    rehearsed: int = 0
    is_early: bool = False

    @property
    def threshold(self) -> float | None:
        """Scores above it are unusual; None where nothing could be scored."""
        return None if self.scene.promised is None else self.scene.promised.threshold


def lines(report: SceneReport) -> Iterator[str]:
    """The report for people."""
    hours = sum(clip.seconds for clip in report.learned) / 3600
    alerts = sum(len(clip.alerts) for clip in report.learned)
    clips = numbered(len(report.learned), "clip")
    yield f"learned    {clips}, {hours:.2f} h; {numbered(alerts, 'alert')} while learning"
    yield f"promise    {promise_of(report.facts)}"
    if report.rehearsed:
        yield (
            f"rehearsed  {numbered(report.rehearsed, 'time')}: the footage is shorter than the learner takes to judge, "
            "so the figures below say what it can tell apart, not what it will raise"
        )
    elif report.verdict is not None and report.is_early:
        yield "early      a device that has watched for so short a time raises nothing yet; judged as if it did"
    if report.verdict is not None:
        yield f"tested     {_in_words(report.verdict)}"
        for each in report.verdict.clips:
            yield f"           {each.clip.name}: {_clip_in_words(each)}"


def promise_of(facts: dict[str, object]) -> str:
    """What can be promised, in words."""
    promise, budget, missing = facts["promise"], facts["alerts_a_day"], facts["hours_to_promise"]
    more = f"{missing:.1f} h more are needed to promise at most {budget:g} a day"
    if not isinstance(promise, dict):
        return f"none yet, nothing can be judged by so little; {more}"
    if not promise["kept"]:
        return f"none yet; {more}; until then only what is above everything seen is unusual"
    return f"at most {promise['bound']:.1f} alerts a day, by {promise['hours']:.1f} h, above {promise['threshold']:.2f}"


def as_document(report: SceneReport) -> dict[str, object]:
    """The report for programs."""
    document: dict[str, object] = {
        "learned": {
            "clips": [{"name": each.name, "seconds": each.seconds, "alerts": _alerts(each)} for each in report.learned],
            **report.facts,
        },
        "rehearsed": report.rehearsed,
        "is_early": report.is_early,
        "threshold": report.threshold,
    }
    verdict = report.verdict
    if verdict is None:
        return document | {"tested": None}
    clips = [
        {
            "name": each.clip.name,
            "seconds": each.clip.seconds,
            "odd": each.odd,
            "found": each.found,
            "false": len(each.false),
            "seconds_to_alert": each.delays_s,
            "frame_auc": each.area,
            "alerts": _alerts(each.clip),
        }
        for each in verdict.clips
    ]
    return document | {
        "tested": {
            "clips": clips,
            "hours": verdict.hours,
            "frame_auc": verdict.area,
            "odd": verdict.odd,
            "found": verdict.found,
            "recall": verdict.found / verdict.odd if verdict.odd else None,
            "false": verdict.false,
            "false_a_day": verdict.false / verdict.hours * _HOURS_A_DAY if verdict.hours else None,
            "seconds_to_alert": verdict.delays_s,
        }
    }


def _alerts(clip: PlayedClip) -> list[dict[str, object]]:
    return [asdict(alert) for alert in clip.alerts]


def _in_words(verdict: SceneVerdict) -> str:
    delay = f", {median(verdict.delays_s):.1f} s to the alert" if verdict.delays_s else ""
    return (
        f"{numbered(len(verdict.clips), 'clip')}, {verdict.hours:.2f} h: frame AUC {_share(verdict.area)}, "
        f"{verdict.found} of {verdict.odd} odd times found{delay}, {numbered(verdict.false, 'false alert')}"
    )


def _clip_in_words(each: ClipVerdict) -> str:
    return f"AUC {_share(each.area)}, {each.found} of {len(each.odd)} found, {len(each.false)} false"


def _share(area: float | None) -> str:
    return "-" if area is None else f"{area:.3f}"
