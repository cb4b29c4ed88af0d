"""Held-out pictures for comparing: drawn yards that no training of ours has seen, or a user's clips."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Final

from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.model.interpreter import Tensor
from smartcam.vision.picture import Picture
from training.drawn_films import YardSlides

See = Callable[[Picture], Tensor]
"""A picture as what a model takes."""
_FIRST_YARD: Final = 900_000
"""Training draws its yards from other seeds."""
_PAIRS: Final = 3
_MOST_YARDS: Final = 1000


def held_out(clips: Sequence[Path], count: int, see: See) -> list[Tensor]:
    """What so many pictures are to a model, from clips or, where there are none, from drawn yards.

    Of clips they are taken evenly. Raises CameraLost where a clip cannot be read, or they have fewer pictures.
    """
    if not clips:
        yards = (YardSlides(_FIRST_YARD + number, _PAIRS).shots() for number in range(_MOST_YARDS))
        return [see(shot.picture) for shot in islice(chain.from_iterable(yards), count)]
    kept: list[Tensor] = []
    every = 1
    for number, picture in enumerate(chain.from_iterable(map(_pictures, clips))):
        if number % every == 0:
            kept.append(see(picture))
        if len(kept) >= 2 * count:
            kept, every = kept[::2], 2 * every
    if len(kept) < count:
        raise CameraLost(f"--clips: have {len(kept)} pictures, and {count} are needed")
    return [kept[place * len(kept) // count] for place in range(count)]


def _pictures(path: Path) -> Iterator[Picture]:
    with closing(open_clip(path)) as clip:
        try:
            while True:
                yield clip.next().picture
        except CameraEnded:
            return
