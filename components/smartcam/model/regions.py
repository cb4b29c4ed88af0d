"""Which regions a detector searches: where something moves, and not much enlarged."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from smartcam.contract.notice import PixelBox


@dataclass(frozen=True, slots=True)
class RegionPolicy:
    """How boxes of motion become the regions to search.

    A box grows by `context` of its longer side on each side, then to a square of at least `least_pixels`, the model's
    input size, over `enlarged`: the model sees nothing more enlarged than that, and nothing at all that touches the
    picture's edge, because somebody who is coming in is not small (docs/design/seeing.md). Overlapping regions are
    merged, and the nearest ones while there are more than `most`; if they cover more than `whole_share` of the picture,
    all of it is searched at once.
    """

    least_pixels: int
    context: float = 0.15
    enlarged: float = 1.5
    most: int = 2
    whole_share: float = 0.8


def plan_regions(motion: Sequence[PixelBox], width: int, height: int, policy: RegionPolicy) -> tuple[PixelBox, ...]:
    """The regions to search in a picture of `width` by `height`: at least one, none overlapping."""
    everything = (PixelBox(0, 0, width, height),)
    if not motion:
        return everything
    boxes = list(motion)
    while True:
        regions = [_grown(box, width, height, policy) for box in boxes]
        pair = _overlap(regions)
        if pair is None and len(regions) > policy.most:
            pair = _nearest(boxes)
        if pair is None:
            break
        first, second = pair
        union = _union(boxes[first], boxes[second])
        boxes = [box for place, box in enumerate(boxes) if place not in pair] + [union]
    covered = sum((box.x2 - box.x1) * (box.y2 - box.y1) for box in regions)
    if covered > policy.whole_share * width * height:
        return everything
    return tuple(regions)


def _grown(box: PixelBox, width: int, height: int, policy: RegionPolicy) -> PixelBox:
    is_cut_off = box.x1 <= 0 or box.y1 <= 0 or box.x2 >= width or box.y2 >= height
    least = policy.least_pixels / (1 if is_cut_off else policy.enlarged)
    side = round(max(_side(box) * (1 + 2 * policy.context), least))
    x1, x2 = _span(box.x1 + box.x2, side, width)
    y1, y2 = _span(box.y1 + box.y2, side, height)
    return PixelBox(x1, y1, x2, y2)


def _span(twice_centre: int, side: int, limit: int) -> tuple[int, int]:
    """An interval of `side` pixels around a centre, moved into the picture."""
    side = min(side, limit)
    start = min(max((twice_centre - side) // 2, 0), limit - side)
    return start, start + side


def _overlap(regions: Sequence[PixelBox]) -> tuple[int, int] | None:
    for second, b in enumerate(regions):
        for first, a in enumerate(regions[:second]):
            if a.x1 < b.x2 and b.x1 < a.x2 and a.y1 < b.y2 and b.y1 < a.y2:
                return first, second
    return None


def _nearest(boxes: Sequence[PixelBox]) -> tuple[int, int]:
    """The two that take the smallest region together."""
    return min(combinations(range(len(boxes)), 2), key=lambda pair: _side(_union(boxes[pair[0]], boxes[pair[1]])))


def _side(box: PixelBox) -> int:
    return max(box.x2 - box.x1, box.y2 - box.y1)


def _union(a: PixelBox, b: PixelBox) -> PixelBox:
    return PixelBox(min(a.x1, b.x1), min(a.y1, b.y1), max(a.x2, b.x2), max(a.y2, b.y2))
