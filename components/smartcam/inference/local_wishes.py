"""What people wish on the device itself, of what inference decides: settings, verdicts and arming; and the answers."""

from collections.abc import Callable
from dataclasses import replace

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId
from smartcam.contract.wish import (
    CurvePoint,
    FilterAsk,
    FilterPreview,
    LocalArming,
    LocalVerdict,
    SettingsAsk,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishError,
)
from smartcam.edge.granting import settle
from smartcam.edge.wish_desk import Wish, WishDesk
from smartcam.edge.wished import WishedSettings
from smartcam.inference.settings import InferenceSettings
from smartcam.inference.wanted import WantedKeeper

_OWNER = SettingsOwner.INFERENCE


class LocalWishes:
    """Grants or refuses what was heard at the desk. For one thread."""

    def __init__(
        self,
        desk: WishDesk,
        wished: WishedSettings[InferenceSettings],
        wanted: WantedKeeper,
        is_known: Callable[[CameraId], bool],
        preview: Callable[[], FilterPreview],
        curve: Callable[[CameraId], tuple[CurvePoint, ...]],
    ) -> None:
        """`is_known`: whether the camera has a place, in the configuration or announced.

        `preview`: what the filter makes of the history; raises ContractError where that cannot be said.
        `curve`: of a camera's learned scene.
        """
        self._desk = desk
        self._wished = wished
        self._wanted = wanted
        self._is_known = is_known
        self._preview = preview
        self._curve = curve

    def grant(self, apply: Callable[[InferenceSettings], object], current: Callable[[], InferenceSettings]) -> None:
        """Do what is wished and answer. `apply` gets the settings to go on with, `current` gives those in use."""

        def go_on(settings: InferenceSettings) -> None:
            # What a document that is wrong elsewhere demands of signatures, it demands all the same.
            apply(replace(settings, trusted_key=current().trusted_key))

        for wish in self._desk.waiting():
            self._desk.answer(self._done(wish, go_on, current))

    def _done(
        self, wish: Wish, apply: Callable[[InferenceSettings], object], current: Callable[[], InferenceSettings]
    ) -> WishAnswer:
        if isinstance(wish, SettingsWish | SettingsAsk):
            answer = settle(self._wished, wish, apply, self._is_known)
            answer = self._with_arming(answer, wish.camera_id, current())
            if answer.holds is not None and isinstance(wish, SettingsAsk):
                answer = replace(answer, holds=replace(answer.holds, curve=self._curve(wish.camera_id)))
            return answer
        if wish.camera_id is not None and not self._is_known(wish.camera_id):
            return _refused(wish, "is no camera of this device")
        preview = None
        try:
            if isinstance(wish, FilterAsk):
                preview = self._preview()
            elif isinstance(wish, LocalVerdict):
                self._wanted.judge(wish.event_id, true=wish.true)
            else:
                self._wanted.arm(wish.camera_id, armed=wish.armed, until=wish.until)
        except ContractError as error:
            return _refused(wish, str(error))
        return WishAnswer(wish.id, wish.camera_id, _OWNER, applied=True, preview=preview)

    def _with_arming(self, answer: WishAnswer, camera: CameraId, settings: InferenceSettings) -> WishAnswer:
        """The answer, which also says whether the camera is armed now, and until when."""
        if answer.holds is None:
            return answer
        wanted = self._wanted.current()
        wish = wanted.arming(camera)
        until = None if wish is None else wish.until
        armed = replace(settings, wanted=wanted).camera(camera).armed
        return replace(answer, holds=replace(answer.holds, armed=armed, armed_until=until))


def _refused(wish: FilterAsk | LocalVerdict | LocalArming, words: str) -> WishAnswer:
    error = WishError(wish.camera_id or "*", words)
    return WishAnswer(wish.id, wish.camera_id, _OWNER, applied=False, errors=(error,))
