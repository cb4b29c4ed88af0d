"""The names of COCO's classes, in the two ways in which models count them.

Source: cocodataset.org, the 80 categories of the detection task, whose ids run from 1 to 90.
"""

from collections.abc import Sequence
from typing import Final

NAMELESS: Final = "???"
"""What stands for a class without a name, as TensorFlow's label files have it."""
_NAMELESS: Final = frozenset({NAMELESS, "n/a"})
COCO_90: Final = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "???", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep",
    "cow", "elephant", "bear", "zebra", "giraffe", "???", "backpack", "umbrella", "???", "???",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat",
    "baseball glove",
    "skateboard", "surfboard", "tennis racket", "bottle", "???", "wine glass", "cup", "fork", "knife", "spoon",
    "bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut",
    "cake", "chair", "couch", "potted plant", "bed", "???", "dining table", "???", "???", "toilet",
    "???", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster",
    "sink", "refrigerator", "???", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
"""By id, from 1 on: how SSDs of TensorFlow and EfficientDet count, from the first object."""
COCO_80: Final = tuple(name for name in COCO_90 if name != NAMELESS)
"""Without the ten ids that COCO never used: how YOLO counts."""
COCO_PLACES: Final = tuple(place for place, name in enumerate(COCO_90) if name != NAMELESS)
"""Where each of the 80 stands among the 90."""
_OTHER_WORDS: Final = {
    "aeroplane": "airplane", "motorbike": "motorcycle", "sofa": "couch", "pottedplant": "potted plant",
    "diningtable": "dining table", "tvmonitor": "tv", "hairdryer": "hair drier", "cellphone": "cell phone",
    "doughnut": "donut",
}  # fmt: skip


def nameless(label: str) -> bool:
    """Whether it stands for a class without a name."""
    return label.casefold() in _NAMELESS


def _key(name: str) -> str:
    joined = "".join(letter for letter in name.casefold() if letter.isalnum())
    return "".join(_OTHER_WORDS.get(joined, joined).split())


_BY_ID: Final = (len(COCO_90), len(COCO_90) + 1)
_KEYS: Final = tuple(_key(name) for name in COCO_80)


def coco_names(labels: Sequence[str]) -> tuple[str, ...] | None:
    """The 80 names among labels that are COCO's in COCO's order, in any of the usual spellings; None if they are not.

    The list of COCO's paper has names at the other places too, and one more: "street sign", ..., "hair brush".
    """
    named = tuple(label for label in labels if not nameless(label))
    placed = tuple(labels[place] for place in COCO_PLACES) if len(labels) in _BY_ID else ()
    return next((names for names in (named, placed) if tuple(map(_key, names)) == _KEYS), None)
