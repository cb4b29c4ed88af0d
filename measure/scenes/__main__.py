"""`python -m measure.scenes`: made-up scenes through the device's code, and what became of each object in them.

Even seeds are for tuning, odd ones for reporting. With `--strict` the exit code is 3 when the odd seeds miss a bar.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Final

from measure.cutouts import cut_out
from measure.scenes.bars import misses
from measure.scenes.drawn import SceneClip
from measure.scenes.playing import Played, drawn, open_detector, pasted, play_footage, play_noise
from measure.scenes.stories import LONG, STORIES
from measure.scenes.truth import StagedScene
from measure.scenes.writing import write
from smartcam.contract.errors import CameraLost, ModelIntegrityError
from tools.command_line import complain

_HEAD: Final = ("scene", "seeds", "objects", "seen", "found", "missed", "doubled", "parked", "false", "median", "worst")
_ROW: Final = "{:14}{:>8}" + "{:>9}" * (len(_HEAD) - 2)


def main(argv: Sequence[str] | None = None) -> int:
    """Print a row for each scene and half. 2 when something is missing, 3 when `--strict` and a bar is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m measure.scenes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", nargs="+", choices=STORIES, default=list(STORIES))
    parser.add_argument("--seeds", type=_seeds, default=range(2), metavar="A-B", help="default: 0-1")
    parser.add_argument("--detector", choices=("noise", "ssd"), default="noise")
    parser.add_argument("--shared", type=Path, metavar="DIR", help="folder of the clips to cut from, for ssd")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="the detector's bundle, for ssd")
    parser.add_argument("--seconds", type=float, help="play only so much of a street or a room")
    parser.add_argument("--write", type=Path, metavar="DIR", help="keep the clips and their labels there")
    parser.add_argument("--each", action="store_true", help="a row for each seed, with what was missed and doubled")
    parser.add_argument("--strict", action="store_true")
    wanted = parser.parse_args(argv)
    try:
        play = _player(wanted)
    except (CameraLost, ModelIntegrityError, OSError, ValueError) as error:
        return complain("scenes", error, 2)
    print(_ROW.format(*_HEAD))
    played: list[Played] = []
    for name in wanted.scenes:
        of_scene: list[Played] = []
        for seed in wanted.seeds:
            begun_s = monotonic()
            of_scene.append(play(name, seed))
            if wanted.each:
                print(row(name, str(seed), of_scene[-1:]), f"  {monotonic() - begun_s:.0f} s", flush=True)
                print(_details(of_scene[-1]), end="")
        for half, remainder in (("even", 0), ("odd", 1)):
            print(row(name, half, [each for each in of_scene if each.scene.seed % 2 == remainder]), flush=True)
        played += of_scene
    faults = misses([each for each in played if each.scene.seed % 2], real=wanted.detector == "ssd")
    for fault in faults:
        print(f"  below its bar: {fault}")
    return 3 if wanted.strict and faults else 0


def row(name: str, seeds: str, played: Sequence[Played]) -> str:
    """The sums over some plays; times are the seconds from an object's first picture to its event."""
    rulings = [each.ruling for each in played]
    delays = [delay for each in rulings for delay in each.found.values()]
    sums = (
        sum(each.expected for each in rulings),
        sum(len(each.seen) for each in played),
        sum(len(each.found) for each in rulings),
        sum(len(each.missed) for each in rulings),
        sum(sum(each.doubled.values()) for each in rulings),
        sum(sum(each.parked.values()) for each in rulings),
        sum(len(each.false) for each in rulings),
    )
    times = (f"{median(delays):.1f} s", f"{max(delays):.1f} s") if delays else ("", "")
    return _ROW.format(name, seeds, *sums, *times)


def _details(played: Played) -> str:
    ruling = played.ruling
    lines = [
        ("missed", ", ".join(ruling.missed)),
        ("doubled", ", ".join(f"{id_} {times}" for id_, times in ruling.doubled.items())),
        ("parked", ", ".join(f"{id_} {times}" for id_, times in ruling.parked.items())),
        ("false", ", ".join(f"{event.kind} at {event.start_s:.0f} s" for event in ruling.false)),
    ]
    return "".join(f"    {word}: {what}\n" for word, what in lines if what)


def _player(wanted: argparse.Namespace) -> Callable[[str, int], Played]:
    """How to play a scene of a name and seed. Raises CameraLost, ModelIntegrityError, OSError or ValueError."""
    if wanted.write is not None:
        wanted.write.mkdir(parents=True, exist_ok=True)

    def scene(name: str, seed: int) -> StagedScene:
        length = {} if wanted.seconds is None or name not in LONG else {"seconds": wanted.seconds}
        return STORIES[name](seed, **length)

    def kept(made: SceneClip) -> None:
        if wanted.write is not None:
            write(made, wanted.write)

    def play_drawn(name: str, seed: int) -> Played:
        kept(drawn(scene(name, seed)))
        return play_noise(scene(name, seed))

    if wanted.detector == "noise":
        return play_drawn
    if wanted.shared is None or wanted.bundle is None:
        raise ValueError("--detector ssd needs --shared, the folder of the clips, and --bundle")
    footage, model = cut_out(wanted.shared), open_detector(wanted.bundle)

    def play_pasted(name: str, seed: int) -> Played:
        kept(pasted(scene(name, seed), footage))
        return play_footage(scene(name, seed), footage, model)

    return play_pasted


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    if not seeds:
        raise ValueError(text)
    return seeds


if __name__ == "__main__":
    sys.exit(main())
