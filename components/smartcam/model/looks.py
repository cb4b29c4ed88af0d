"""From a picture to the look that the scene learner learns: what is measured by hand, and what the encoder says."""

from smartcam.model.encoder import PlaceEncoder
from smartcam.vision.normal.look import BY_HAND, Regime, SceneLook, look_at
from smartcam.vision.picture import Picture
from smartcam.vision.shrink import Shrinker


class Eye:
    """Turns one camera's pictures into looks; without an encoder by hand alone. Not thread-safe."""

    def __init__(self, encoder: PlaceEncoder | None) -> None:
        self._encoder = encoder
        self._shrinker = Shrinker()

    @property
    def width(self) -> int:
        """Numbers of a place."""
        return BY_HAND + (self._encoder.width if self._encoder else 0)

    def look(self, picture: Picture, before: Regime | None) -> SceneLook:
        """The look of a picture after one of the regime `before`.

        Raises:
            ModelIntegrityError: if the encoder fails.
        """
        encoded = self._encoder.encode(picture) if self._encoder else None
        return look_at(self._shrinker.shrink(picture.y), picture.u, picture.v, encoded, before)
