"""Held-out films through the exported model, look by look, as a device would watch them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.model.preprocess import crop_rgb, whole
from training.evaluate import head_of_two
from training.footage.cutting import Cuts, FootageUse
from training.footage.film import Film, FilmUnusable
from training.footage.gathering import LOOKS_PER_S, Looks, is_night

_HELD_OUT: Final = (FootageUse.VALIDATION, FootageUse.TEST)


@dataclass(frozen=True, slots=True, eq=False)
class WatchedTime:
    """What the model said of each look, float32 (n,), and what is known of it."""

    scores: NDArray[np.float32]
    looks: Looks


def watch(
    films: Sequence[Film], cuts: Cuts, exported: bytes, tell: Callable[[str], object] = lambda _: None
) -> Mapping[FootageUse, WatchedTime]:
    """The scores of all held-out time, as many looks a second as a device takes.

    Unlike the examples they leave nothing out for want of memory: an alarm takes looks that follow one another.
    """
    head = head_of_two(exported)
    scores: dict[FootageUse, list[float]] = {use: [] for use in _HELD_OUT}
    known: dict[FootageUse, list[tuple[bool, float, int, bool]]] = {use: [] for use in _HELD_OUT}
    for number, (film, stretches) in enumerate(zip(films, cuts, strict=True)):
        held_out = [each for each in stretches if each.use in scores]
        if not held_out:
            continue
        due = 0.0
        try:
            for shot in film.shots():
                use = next((each.use for each in held_out if each.begin_s <= shot.at_s < each.end_s), None)
                if use is None or shot.shows is None or shot.at_s < due:
                    continue
                due = shot.at_s + 0.9 / LOOKS_PER_S
                rgb = crop_rgb(shot.picture, whole(shot.picture), head.preprocessor.spec)
                scores[use].append(float(head.infer(rgb)[1]))
                known[use].append((shot.shows, shot.at_s, number, is_night(shot.picture)))
        except FilmUnusable:
            pass  # told of when the examples were gathered
        tell(f"watched {number + 1} of {len(films)} films")
    return {use: WatchedTime(np.array(scores[use], np.float32), Looks.of(known[use])) for use in _HELD_OUT}
