"""Cameras and model: whether they can be read and run, and how fast."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.source import FrameSource
from smartcam.contract.errors import CameraLost, ModelIntegrityError
from smartcam.doctor.finding import Finding, State
from smartcam.edge.lifecycle import StopToken
from smartcam.model.bundle import ModelBundle
from smartcam.model.interpreter import runtime_of
from smartcam.model.manifest import CHANNELS

_RUNS: Final = 15
_SLOW_FPS: Final = 4.0
_SLOW_MS: Final = 200.0
"""Of each camera, five frames a second are analysed."""

OpenSource = Callable[[SourceSettings, StopToken], FrameSource]


def check_camera(settings: SourceSettings, open_source: OpenSource, seconds: float) -> Finding:
    """Read a camera for some seconds. That another process has it open is a fault only if it cannot be shared."""
    name, stop = f"camera {settings.camera}", StopToken()
    try:
        source = open_source(settings, stop)
    except CameraLost as loss:
        return Finding(name, State.FAULT, str(loss))
    pictures, size, begun = 0, "", time.monotonic()
    try:
        while time.monotonic() - begun < seconds:
            timed = source.read()
            if timed is not None:
                pictures += 1
                size = f"{timed.picture.width}x{timed.picture.height}"
    except CameraLost as loss:
        if not pictures:
            return Finding(name, State.FAULT, str(loss))
    finally:
        source.close()
    took_s = max(time.monotonic() - begun, 1e-6)
    if not pictures:
        why = source.waiting_for or f"{settings.place}: open"
        return Finding(name, State.FAULT, f"{why}, but no picture arrived in {seconds:g} s")
    rate = pictures / took_s
    said = f"{settings.place}: {size}, {rate:.1f} pictures a second"
    facts: dict[str, float | str] = {"pictures_per_second": round(rate, 1), "size": size}
    if rate < _SLOW_FPS:
        return Finding(name, State.WARNING, f"{said}: people may pass between two of them", facts)
    return Finding(name, State.OK, said, facts)


def check_model(path: Path, trusted_key: bytes | None = None, name: str = "model") -> Finding:
    """Open the bundle, which checks every hash and the golden picture, and time the model."""
    try:
        bundle = ModelBundle.open(path, trusted_key)
    except ModelIntegrityError as error:
        return Finding(name, State.FAULT, f"{error}; deploy smartcam.Model again")
    spec, spent = bundle.manifest.input, []
    grey = np.full((spec.height, spec.width, CHANNELS), 128, np.uint8)
    for _ in range(_RUNS):
        begun = time.perf_counter()
        bundle.head.infer(grey)
        spent.append((time.perf_counter() - begun) * 1000)
    took_ms = statistics.median(spent)
    digest = bundle.manifest.files[bundle.manifest.model_file]
    said = f"{bundle.manifest.name} {bundle.manifest.version}, sha256 {digest[:12]}, {took_ms:.1f} ms a picture"
    runtime = runtime_of(bundle.manifest.model_file)
    said += f" on {runtime}, {'signature checked' if bundle.signed else 'no signature required'}"
    facts: dict[str, float | str] = {
        "sha256": digest,
        "ms": round(took_ms, 2),
        "runtime": runtime,
        "bundle": bundle.manifest.name,
        "version": bundle.manifest.version,
    }
    state = State.OK if took_ms <= _SLOW_MS else State.WARNING
    return Finding(name, state, said if state is State.OK else f"{said}: too slow for five a second", facts)
