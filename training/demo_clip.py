"""`python -m training.demo_clip --out FILE`: draws the demo's clip; needs no training package."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from training.clip import write_clip
from training.yard.demo import DEMO_SEED, FRAMES_PER_SECOND, demo_spec
from training.yard.scene import Scene


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the clip and its labels, and prints where they are."""
    parser = argparse.ArgumentParser(prog="python -m training.demo_clip", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the .mp4 to write; labels go to <name>.labels.json")
    parser.add_argument("--seed", type=int, default=DEMO_SEED, help="decides textures, leaves, rain and noise")
    chosen = parser.parse_args(arguments)
    if chosen.seed < 0:
        parser.error("--seed must not be negative")
    labelling = write_clip(chosen.out, Scene(demo_spec(chosen.seed)), FRAMES_PER_SECOND)
    visits = ", ".join(
        f"{first / labelling.frames_per_second:.1f}-{last / labelling.frames_per_second:.1f} s"
        for first, last in labelling.intruder
    )
    print(f"{chosen.out}: {labelling.frames} frames, intruder at {visits}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
