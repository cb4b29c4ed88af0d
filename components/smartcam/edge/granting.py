"""The answer to a wish about settings: the same for every owner."""

from collections.abc import Callable
from typing import TypeVar

from smartcam.contract.ids import CameraId
from smartcam.contract.wish import SettingsAsk, SettingsWish, WishAnswer
from smartcam.edge.wished import WishedSettings

S = TypeVar("S")


def settle(
    wished: WishedSettings[S],
    message: SettingsWish | SettingsAsk,
    apply: Callable[[S], object],
    is_known: Callable[[CameraId], bool] = lambda _: False,
) -> WishAnswer:
    """Do what is asked, and say what became of it. `apply` gets the settings to go on with; nothing is half applied."""
    camera = message.camera_id
    if isinstance(message, SettingsAsk):
        message = SettingsWish(message.id, camera, wished.owner, {}, trial=True)
    settings, errors = wished.wish(message, is_known=is_known(camera))
    if settings is not None:
        apply(settings)
    return WishAnswer(message.id, camera, wished.owner, settings is not None, errors, wished.holding(camera))
