"""Why there is an event, in words for people: those of the alert, and of the console's page."""

from collections.abc import Mapping
from typing import Final

from smartcam.contract.event import EventKind

LANGUAGES: Final = ("en", "zh")
"""In their order in the tables."""
CAUSES: Final[Mapping[tuple[EventKind, str], tuple[str, str]]] = {
    (EventKind.MOTION, "motion"): (
        "Something moved that the camera has no name for",
        "有物体移动，但不是摄像头认识的种类",
    ),
    (EventKind.MOTION, "dark"): (
        "Something moved where it is too dark to tell what",
        "有物体移动，但光线太暗，无法辨认",
    ),
    (EventKind.MOTION, "defocused"): (
        "Something moved, and the picture is too blurred to tell what",
        "有物体移动，但画面模糊，无法辨认",
    ),
    (EventKind.ANOMALY, "unusual"): (
        "The picture is unlike what this camera has learned as normal",
        "画面与该摄像头学到的正常情况不同",
    ),
    (EventKind.ANOMALY, "fast"): ("Something moves faster than anything seen here", "有物体移动得比此处以往所见都快"),
    (EventKind.ANOMALY, "nowhere"): ("Something is where nothing ever is", "有东西出现在从来没有东西的地方"),
    (EventKind.ANOMALY, "looks"): ("Something looks unlike anything here", "有东西看起来与此处以往所见都不同"),
    (EventKind.TAMPER, "covered"): ("Something covers the lens", "镜头被遮挡"),
    (EventKind.TAMPER, "defocused"): ("The camera is out of focus", "镜头失焦"),
    (EventKind.TAMPER, "moved"): (
        "The camera looks somewhere else: it has been turned or moved",
        "摄像头朝向改变，可能被转动或移动",
    ),
    (EventKind.TAMPER, "frozen"): (
        "The picture stands still: the same one comes again and again",
        "画面冻结，反复传来同一画面",
    ),
    (EventKind.TAMPER, "black"): ("The picture is black", "画面全黑"),
    (EventKind.TAMPER, "glare"): ("Something shines into the lens", "有强光照射镜头"),
}
"""By what the device says in one word, as the event's label or cause: in English and Chinese."""
REASONS: Final[Mapping[EventKind, tuple[str, str]]] = {
    EventKind.ANOMALY: (
        "The picture is unlike what this camera has learned as normal",
        "画面与该摄像头学到的正常情况不同",
    ),
    EventKind.MOTION: ("Something moved that the camera has no name for", "有物体移动，但不是摄像头认识的种类"),
    EventKind.TAMPER: (
        "The camera seems to be covered, blinded, moved, out of focus or frozen",
        "摄像头似乎被遮挡、强光照射、移动、失焦或画面冻结",
    ),
    EventKind.CAMERA_LOST: ("No pictures come from the camera", "收不到该摄像头的画面"),
    EventKind.CAMERA_RESTORED: ("Pictures come from the camera again", "重新收到该摄像头的画面"),
    EventKind.TEST: ("Somebody tested whether alerts arrive", "有人在测试警报是否送达"),
}
"""Where it says no word that is known."""
