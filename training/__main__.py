"""`python -m training`: the demo's bundle, learned from drawn yards the way a user's is learned from theirs."""

import argparse
import hashlib
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from training.bundle import check_replaceable
from training.classifier.fitting import FitSettings
from training.classifier.learning import DEMO_ENCODER, Learned, Lesson, gathered_for, in_words, learn, write
from training.classifier.networks import InputSize, NetworkName, begun_with
from training.drawn_films import drawn_films, generator
from training.errors import TrainingError

_ROOT = Path(__file__).resolve().parent.parent
_PAIRS = 3
_GENTLY: Final = 0.02
"""Of the learning rate: what has learned already is to become better, not other."""
STORED: Final = {InputSize.USUAL: DEMO_ENCODER, InputSize.MICRO: DEMO_ENCODER.with_name("micro")}
LICENCE = "the licence of the repository that holds it; made from made-up pictures only"


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws, learns and writes the bundle, and prints what it is worth."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--size", choices=[*map(str, InputSize)], default=str(InputSize.USUAL), help="of its pictures")
    parser.add_argument("--out", type=Path, help="the bundle's folder (that of the size)")
    parser.add_argument("--work", type=Path, default=_ROOT / "build/training", help="where a killed training goes on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--yards", type=int, default=400, help="yards to learn from, 30 pictures each")
    parser.add_argument("--held-out", type=int, default=16, help="films of others for the thresholds, and for the test")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--from", dest="start", type=Path, metavar="KERAS", help="the network to go on with")
    chosen = parser.parse_args(arguments)
    if chosen.seed < 0 or min(chosen.yards, chosen.held_out, chosen.epochs) < 1:
        parser.error("--seed must not be negative, the others must be at least 1")
    size = InputSize(chosen.size)
    out = chosen.out or STORED[size]
    check_replaceable(out)
    lesson = demo_lesson(chosen.seed, chosen.yards, chosen.held_out, chosen.epochs, size)
    try:
        lesson = lesson if chosen.start is None else going_on(lesson, chosen.start)
    except TrainingError as error:
        parser.error(f"--from: {error}")
    films, cuts = drawn_films(chosen.seed, chosen.yards, _PAIRS, chosen.held_out)
    gathered = gathered_for(films, _say, cuts, most=None, size=size)
    learned = learn(films, gathered, lesson, chosen.work, _say)
    digest = write(learned, lesson, gathered, out)
    print(f"command  {lesson.command}\nsha256   {digest}\nmodel    {len(learned.exported)} bytes, in {out}")
    print(f"held out {in_words(learned.test)}")
    _report(learned)
    return 0


def demo_lesson(seed: int, yards: int, held_out: int, epochs: int, size: InputSize = InputSize.USUAL) -> Lesson:
    """What the demo's network is to learn, and how; all passes are done, and the best weights kept.

    That of another size begins with the demo's: as a user's does.
    """
    is_usual = size is InputSize.USUAL
    return Lesson(
        target="intruder",
        name="yard-intruder" if is_usual else f"yard-intruder-{size}",
        network=NetworkName.SIGNS if is_usual else NetworkName.TRANSFER,
        size=size,
        temperature=2.0,
        fitting=FitSettings(epochs, patience=epochs, batch=64, rate=2.5e-3 if is_usual else 1e-3, seed=seed),
        command=f"python -m training {'' if is_usual else f'--size {size} '}"
        f"--seed {seed} --yards {yards} --held-out {held_out} --epochs {epochs}",
        source=f"pictures made up by training.yard, sources {generator()}",
        licence=LICENCE,
    )


def going_on(lesson: Lesson, start: Path) -> Lesson:
    """The lesson for a network that has learned it before, `start`: gently, and the bundle names what it was.

    Raises:
        TrainingError: it is no network that can go on with this lesson.
    """
    if lesson.network is not NetworkName.SIGNS:
        raise TrainingError(f"{start}: only a signs network goes on; leave out --size")
    begun_with(start)  # drawing takes minutes
    digest = hashlib.sha256(start.read_bytes()).hexdigest()
    return replace(
        lesson,
        begins_with=start,
        fitting=replace(lesson.fitting, rate=lesson.fitting.rate * _GENTLY),
        command=f"{lesson.command} --from {shlex.quote(str(start))}",
        source=f"{lesson.source}; begun with a network of SHA-256 {digest}",
    )


def _report(learned: Learned) -> None:
    print(f"parity   at most {learned.parity:.4f} from the trained network")
    print(f"alarm    at {learned.thresholds.raise_at}, over at {learned.thresholds.clear_at}")
    for counts in learned.test.confusions[:2]:
        print(
            f"{counts.name:9}normal {counts.right_without} right {counts.wrong_without} wrong, "
            f"intruder {counts.right_with} right {counts.wrong_with} wrong"
        )


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
