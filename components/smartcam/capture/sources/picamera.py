"""The Raspberry Pi's own camera, through picamera2, which comes with the Pi's operating system."""

import importlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.live import READ_S
from smartcam.contract.errors import CameraLost
from smartcam.vision.picture import Picture
from smartcam.vision.turn import AS_IT_IS, Turn, turned

_BUFFERS: Final = 4
_USUAL_RATE: Final = 15.0


class PicameraStream:
    """See `LiveStream`. The pictures are views into arrays that picamera2 has made for us. `camera` is a Picamera2."""

    def __init__(self, camera: Any, settings: SourceSettings) -> None:  # noqa: ANN401  picamera2 publishes no types
        self.frames_per_second = settings.max_fps or _USUAL_RATE
        self.waiting_for = ""
        self._camera = camera
        self._place = f"camera {settings.device}"
        self._job: Any = None
        configuration = camera.create_video_configuration(
            main={"size": (settings.width, settings.height), "format": "YUV420"},
            controls={"FrameRate": self.frames_per_second},
            buffer_count=_BUFFERS,
        )
        camera.configure(configuration)
        # The camera may have taken another size than the one it was asked for.
        taken = camera.camera_configuration()
        width, height = taken["main"]["size"]
        self._turn = _turn(taken.get("transform"))
        self._width, self._height = int(width) & ~1, int(height) & ~1
        camera.start()

    def next(self) -> Picture | None:
        """See `LiveStream`."""
        if self._job is None:
            self._job = self._camera.capture_array("main", wait=False)
        try:
            rows = self._job.get_result(timeout=READ_S)
        except TimeoutError:
            return None  # the job stays in picamera2's queue and is waited for again
        except Exception as error:
            raise CameraLost(f"{self._place}: {type(error).__name__}: {error}") from error
        self._job = None
        return turned(planes_of(rows, self._width, self._height, self._place), self._turn)

    def close(self) -> None:
        """See `LiveStream`."""
        self._camera.stop()
        self._camera.close()


def open_picamera(settings: SourceSettings) -> PicameraStream:
    """The camera, started.

    Raises:
        CameraLost: picamera2 is not installed, has no such camera, or another process uses it.
    """
    place = f"camera {settings.device}"
    try:
        module: Any = importlib.import_module("picamera2")
    except ImportError as error:
        raise CameraLost(
            f"{place}: picamera2 cannot be imported ({error}); it comes with Raspberry Pi OS (apt install"
            " python3-picamera2), and the Runtime's environment must see the system's packages"
        ) from error
    try:
        camera = module.Picamera2(int(settings.device))
    except Exception as error:
        raise CameraLost(f"{place}: {_words(error)}") from error
    try:
        return PicameraStream(camera, settings)
    except Exception as error:
        camera.close()
        raise CameraLost(f"{place}: {_words(error)}") from error


def planes_of(rows: NDArray[np.uint8], width: int, height: int, place: str) -> Picture:
    """The picture in an array of picamera2's YUV420: uint8 (height * 3 // 2, stride), chroma rows half as long.

    Raises:
        CameraLost: the array is not of that form.
    """
    stride = rows.shape[1] if rows.ndim == 2 else 0  # noqa: PLR2004
    if rows.dtype != np.uint8 or stride < width or stride % 2 or rows.size < stride * height * 3 // 2:
        raise CameraLost(f"{place}: gave {rows.dtype} {rows.shape} instead of {width}x{height} in YUV420")
    flat = rows.reshape(-1)
    luma, colour = stride * height, stride * height // 4
    half = (height // 2, stride // 2)
    return Picture(
        flat[:luma].reshape(height, stride)[:, :width],
        flat[luma : luma + colour].reshape(half)[:, : width // 2],
        flat[luma + colour : luma + 2 * colour].reshape(half)[:, : width // 2],
    )


def _turn(transform: Any) -> Turn:  # noqa: ANN401  libcamera publishes no types
    """What undoes libcamera's transform: the sensor turns a camera mounted at 180 degrees, but not one at 90 or 270.

    Source: libcamera's `Orientation` and picamera2's table of transforms, which swap sides before they transpose.
    """
    if transform is None:
        return AS_IT_IS
    return Turn(bool(transform.transpose), bool(transform.hflip), bool(transform.vflip))


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, CameraLost) else f"{type(error).__name__}: {error}"
