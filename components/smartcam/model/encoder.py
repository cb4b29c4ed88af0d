"""The encoder of the scene learner: what each place of a picture looks like, in a few numbers."""

import hashlib
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.notice import PixelBox
from smartcam.model.interpreter import Interpreter, open_interpreter
from smartcam.vision.normal.look import COLUMNS, PLACES, ROWS
from smartcam.vision.picture import Picture

_FILE: Final = "place_encoder.tflite"
"""It lies beside this code, in an archive too."""
_SHA256: Final = "9aa62db42225781f72c496ee95919e11e52686632abd517405f9c363c59abdd8"
"""A damaged model can crash the process."""
_CHANNELS: Final = 3
_MOST_NUMBERS: Final = 32


class PlaceEncoder:
    """An encoder behind its interpreter. Only one thread may use it at a time. `width` is its numbers of a place."""

    def __init__(self, interpreter: Interpreter) -> None:
        """Raises ModelIntegrityError if the model is no encoder of places."""
        taken, given = interpreter.input, interpreter.outputs[0]
        is_picture = len(taken.shape) == 4 and taken.shape[0] == 1 and taken.shape[3] == _CHANNELS  # noqa: PLR2004
        is_places = given.shape[:3] == (1, ROWS, COLUMNS) and len(given.shape) == 4  # noqa: PLR2004
        if not is_picture or not is_places or taken.dtype != np.uint8 or not 0 < given.shape[3] <= _MOST_NUMBERS:
            raise ModelIntegrityError(
                f"is no encoder: it must take uint8 (1, height, width, 3) and give (1, {ROWS}, {COLUMNS}, n), "
                f"not {taken.dtype} {taken.shape} and {given.shape}"
            )
        self._interpreter = interpreter
        self._size = taken.shape[2], taken.shape[1]
        self._scale = np.float32(given.scale or 1)
        self._zero = np.float32(given.zero_point)
        self.width = given.shape[3]

    def encode(self, picture: Picture) -> NDArray[np.float32]:
        """What each place looks like, (PLACES, width), row by row.

        Raises:
            ModelIntegrityError: if the model fails.
        """
        rgb = picture.crop(PixelBox(0, 0, picture.width, picture.height), self._size)
        given = self._interpreter.invoke(rgb[None])[0]
        places = given.reshape(PLACES, self.width).astype(np.float32)
        return np.asarray((places - self._zero) * self._scale, np.float32)


def open_place_encoder() -> PlaceEncoder:
    """The encoder that comes with this code.

    Raises:
        ModelIntegrityError: it is missing or damaged, or the runtime here does not run it.
    """
    try:
        model = resources.files("smartcam.model").joinpath(_FILE).read_bytes()
    except OSError as error:
        raise ModelIntegrityError(f"{_FILE}: cannot be read ({error}); install the release again") from error
    if hashlib.sha256(model).hexdigest() != _SHA256:
        raise ModelIntegrityError(f"{_FILE}: is not the one of this release; install it again")
    return PlaceEncoder(open_interpreter(model))
