"""A module with the interface of picamera2, as far as capture uses it: put it into `sys.modules`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.uint8]
Shot = Rows | Exception | None


@dataclass(frozen=True, slots=True)
class FakeTransform:
    """libcamera's `Transform`: what was done to the picture that the camera gives, the swaps first."""

    hflip: bool = False
    vflip: bool = False
    transpose: bool = False


class FakeJob:
    """A capture that gives its array; None lets the first `get_result` run into its time-out."""

    def __init__(self, take: Callable[[], Shot]) -> None:
        self._take = take

    def get_result(self, timeout: float | None = None) -> Rows:
        assert timeout is not None, "a camera that hangs must not hang us"
        shot = self._take()
        if shot is None:
            raise TimeoutError
        if isinstance(shot, Exception):
            raise shot
        return shot


class FakePicamera2:
    """One camera; `shots` are given one after the other."""

    def __init__(
        self, camera_num: int, shots: Iterator[Shot], size: tuple[int, int] | None, transform: FakeTransform
    ) -> None:
        self.camera_num = camera_num
        self._transform = transform
        self.calls: list[str] = []
        self.configuration: dict[str, Any] = {}
        self.jobs = 0
        self._shots = shots
        self._size = size

    def create_video_configuration(
        self, main: Mapping[str, object], controls: Mapping[str, object], buffer_count: int
    ) -> dict[str, Any]:
        return {"main": dict(main), "controls": dict(controls), "buffer_count": buffer_count}

    def configure(self, camera_config: dict[str, Any]) -> None:
        self.calls.append("configure")
        self.configuration = camera_config

    def camera_configuration(self) -> dict[str, Any]:
        size = self._size or self.configuration["main"]["size"]
        return {"main": {"size": size}, "transform": self._transform}

    def start(self) -> None:
        self.calls.append("start")

    def capture_array(self, name: str = "main", *, wait: bool | None = None) -> FakeJob:
        assert (name, wait) == ("main", False)
        self.jobs += 1
        return FakeJob(lambda: next(self._shots))

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")


class FakePicamera2Module(ModuleType):
    """The module; `cameras` are those that were opened."""

    def __init__(
        self,
        *shots: Shot,
        size: tuple[int, int] | None = None,
        count: int = 1,
        transform: FakeTransform = FakeTransform(),
    ) -> None:
        super().__init__("picamera2")
        self.cameras: list[FakePicamera2] = []
        self._shots = iter(shots)
        self._size = size
        self._count = count
        self._transform = transform

    def Picamera2(self, camera_num: int = 0) -> FakePicamera2:  # noqa: N802  picamera2's name
        if camera_num >= self._count:
            raise IndexError("list index out of range")
        self.cameras.append(FakePicamera2(camera_num, self._shots, self._size, self._transform))
        return self.cameras[-1]


def rows_of(width: int, height: int, stride: int, y: int = 100, u: int = 90, v: int = 160) -> Rows:
    """What picamera2 gives for a picture of one colour: padding is 7."""
    flat = np.full(stride * height * 3 // 2, 7, np.uint8)
    luma, colour = stride * height, stride * height // 4
    flat[:luma].reshape(height, stride)[:, :width] = y
    half = (height // 2, stride // 2)
    flat[luma : luma + colour].reshape(half)[:, : width // 2] = u
    flat[luma + colour :].reshape(half)[:, : width // 2] = v
    return flat.reshape(height * 3 // 2, stride)
