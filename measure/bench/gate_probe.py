"""The false-alarm probe as a part of the benchmark: how many frames of each scene the motion gate takes for motion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import probe
from smartcam.vision.motion import MotionGate, MotionSettings


@dataclass(frozen=True, slots=True)
class ProbeFigures:
    """Frames flagged of 240 by scene and background, with the gate's default settings."""

    flagged: Mapping[str, Mapping[str, int]]

    @property
    def broken(self) -> tuple[str, ...]:
        """The scenes in which some background was flagged more or less often than the scene allows."""
        return tuple(
            scene
            for scene, by_background in self.flagged.items()
            if not all(probe.SCENES[scene].allows(count) for count in by_background.values())
        )


def measure_probe(clips: Sequence[Path]) -> ProbeFigures:
    """Every scene over the medians of the clips, or over three made-up backgrounds."""
    backgrounds = probe.backgrounds(clips)
    return ProbeFigures(
        {
            name: {
                place: probe.flagged(MotionGate(MotionSettings()).update, scene, still)
                for place, still in backgrounds.items()
            }
            for name, scene in probe.SCENES.items()
        }
    )


def probe_table(figures: ProbeFigures) -> str:
    """The figures for people."""
    rows = []
    for name, by_background in figures.flagged.items():
        scene = probe.SCENES[name]
        wanted = f"at least {scene.least}" if scene.least else "free" if scene.most is None else f"at most {scene.most}"
        counts = "  ".join(f"{count:4}" for count in by_background.values())
        rows.append(f"{name:18}{counts}   {wanted}{'   BROKEN' if name in figures.broken else ''}")
    places = next(iter(figures.flagged.values()))
    return "\n".join([f"probe: frames flagged of {probe.COUNTED} over {', '.join(places)}", *rows])
