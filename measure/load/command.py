"""`python -m measure.load cameras|fleet`: what a device and the cloud side bear, as tables and as JSON."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from measure.load.cameras import measure_cameras
from measure.load.fleet import LONE, Simulation
from measure.load.tables import cameras_table, fleet_table
from smartcam.contract.errors import SmartcamError
from smartcam.edge.arguments import whole
from smartcam.model.bundle import ModelBundle
from tools.command_line import ROOT, complain
from tools.score.intervals import ScoreError
from tools.score.labels import read_labels

FOLDER: Final = ROOT / "build" / "load"


def main(arguments: Sequence[str] | None = None) -> int:
    """2 when something that is needed is not there, 3 when a figure is beyond its limit."""
    chosen = _parser().parse_args(arguments)
    try:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        found, table, is_good = _fleet(chosen) if chosen.what == "fleet" else _cameras(chosen)
        chosen.json.write_text(json.dumps(found, indent=1) + "\n")
    except (SmartcamError, ScoreError, OSError) as error:
        return complain("load", error, 2)
    print(table)
    return 0 if is_good else 3


def _fleet(chosen: argparse.Namespace) -> tuple[Mapping[str, object], str, bool]:
    figures = Simulation(chosen.devices).run()
    return figures.document(), fleet_table(figures), figures.is_good


def _cameras(chosen: argparse.Namespace) -> tuple[Mapping[str, object], str, bool]:
    ModelBundle.open(chosen.bundle)
    visits = _visits(chosen.labels, chosen.video)
    figures = measure_cameras(chosen.video, visits, chosen.bundle, chosen.cameras, chosen.minutes * 60)
    return figures.document(), cameras_table(figures), figures.is_good


def _visits(labels: Path, video: Path) -> Sequence[tuple[float, float]]:
    """When persons are in the clip, in seconds. Raises ScoreError."""
    found = read_labels(labels).get(video.name)
    if found is None or found.fps is None:
        raise ScoreError(f"{labels} says nothing of {video.name}, or not its fps; remedy: smartcam label")
    return [(one.first / found.fps, one.last / found.fps) for one in found.intervals if one.word == "person"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m measure.load", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    cameras = what.add_parser("cameras", help="cameras at 1280x720, five pictures a second, on this machine")
    cameras.add_argument("--video", type=Path, required=True, help="a clip in which people come and go")
    cameras.add_argument("--labels", type=Path, required=True, help="when persons are in it, in frames")
    cameras.add_argument("--bundle", type=Path, required=True, help="a detector's bundle")
    cameras.add_argument("--cameras", type=whole(1, 32), default=16, help="how many (default: %(default)s)")
    cameras.add_argument("--minutes", type=whole(1, 600), default=10, help="for how long (default: %(default)s)")
    cameras.add_argument("--json", type=Path, default=FOLDER / "cameras.json", help="where figures go")
    fleet = what.add_parser("fleet", help="a fleet on a simulated clock, on the cloud's own code")
    fleet.add_argument("--devices", type=whole(3 * len(LONE), 99_999), default=10_000, help="how many (%(default)s)")
    fleet.add_argument("--json", type=Path, default=FOLDER / "fleet.json", help="where figures go")
    return parser
