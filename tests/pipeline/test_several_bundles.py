"""A release with two bundles, built, installed and used: each camera is judged by its own, whatever ails the other."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.ids import CameraId
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.inference.bundles import BundleKeeper, BundlesInUse
from smartcam.inference.cameras import AnalysisContext, Cameras
from smartcam.inference.kept_bundle import KeptBundle, kept_folder
from smartcam.inference.settings import InferenceSettings, read_settings
from smartcam.model.manifest import MODEL_FILE, ModelKind
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tests.fakes.clock import FakeClock
from tests.unit.inference.stage import EVERYWHERE, GATE, THING, YARD, counted_ids
from tests.unit.inference.test_bundles import make_bundle
from tools.build.suite import build_suite

RED = Picture.from_bgr(np.full((60, 100, 3), (0, 0, 255), np.uint8))
Named = dict[CameraId, tuple[str, str]]
"""The kind of the event that a camera has raised, and the version of the model that it names."""


class Device:
    """What inference does on a device whose releases are installed by smartcam.Model's own script."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, FakeClock()
        (folder / "model").mkdir()
        self.writers = {camera: RingWriter(folder, camera) for camera in (YARD, GATE)}
        self.seq = 0
        self.start()

    def start(self) -> None:
        self.cameras = Cameras(AnalysisContext(THING, self.clock, counted_ids(), self.folder), InferenceSettings())
        self.bundles = BundlesInUse(self.keeper)

    def keeper(self, name: str) -> BundleKeeper:
        return BundleKeeper(None, self.clock, lambda: 1.0, kept=KeptBundle(kept_folder(self.folder / "work", name)))

    def release(self, version: str, **bundles: ModelKind) -> Path:
        """Build and install a release with bundles of its version; the folder of them."""
        made = self.folder / f"made-{version}"
        for name, kind in bundles.items():
            make_bundle(made / name, kind, version)
        others = {name: made / name for name in bundles if name != "default"}
        artifacts = build_suite(made / "build", made / "default", others=others).artifacts / "smartcam.Model"
        [script], [archive] = artifacts.glob("*/install.sh"), artifacts.glob("*/smartcam-model.zip")
        subprocess.run(["/bin/sh", str(script), str(self.folder / "model"), str(archive), version], check=True)
        os.utime(self.folder / "model" / f"bundle-{version}", ns=(0, int(version[0]) * 10**9))
        return self.folder / "model" / "current"

    def configure(self, document: dict[str, object]) -> None:
        settings = read_settings(document)
        self.cameras.configure(settings)
        self.bundles.use(settings.bundle_folders(self.folder / "model" / "current"))

    def watch(self) -> Named:
        """What each camera raises while a minute passes."""
        self.clock.advance(60)
        if self.bundles.refresh():
            self.cameras.use(self.bundles.models)
        raised: Named = {}
        for _ in range(6):
            self.clock.advance(0.2)
            self.seq += 1
            for camera, writer in self.writers.items():
                utc, mono = self.clock.utc(), self.clock.monotonic()
                notice = writer.write(Frame(camera, self.seq, utc, mono, 0, RED, EVERYWHERE))
                for change in self.cameras.frame(notice):
                    if change.event is not None and change.event.phase == "raised":
                        raised[camera] = str(change.event.kind), change.event.model_version or ""
        return raised

    def close(self) -> None:
        self.cameras.close()
        for writer in self.writers.values():
            writer.close()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    device = Device(tmp_path)
    yield device
    device.close()


BOTH = {"default": ModelKind.CLASSIFIER, "traffic": ModelKind.DETECTOR}
WITH_TRAFFIC: dict[str, object] = {"bundles": {"traffic": ""}, "cameras": {"gate": {"detector": "traffic"}, "yard": {}}}


def test_two_cameras_have_two_bundles_and_their_events_name_them_through_releases_and_restarts(device: Device) -> None:
    current = device.release("1.0.0", **BOTH)
    device.configure(WITH_TRAFFIC)
    assert device.watch() == {YARD: ("anomaly", "1.0.0"), GATE: ("person", "1.0.0")}
    # Of a release whose `traffic` is damaged, only the other camera gets the new bundle.
    device.release("2.0.0", **BOTH)
    (current / "traffic" / MODEL_FILE).write_bytes(b"damaged")
    device.cameras.close()
    device.start()
    device.configure(WITH_TRAFFIC)
    assert device.watch() == {YARD: ("anomaly", "2.0.0"), GATE: ("person", "1.0.0")}
    assert device.bundles.refused.endswith("(bundle traffic)")
    # A release without it, and the one after that has it again.
    device.release("3.0.0", default=ModelKind.CLASSIFIER)
    device.cameras.close()
    device.start()
    device.configure(WITH_TRAFFIC)
    assert device.watch() == {YARD: ("anomaly", "3.0.0"), GATE: ("person", "1.0.0")}
    device.release("4.0.0", **BOTH)
    device.cameras.close()
    device.start()
    device.configure(WITH_TRAFFIC)
    assert device.watch() == {YARD: ("anomaly", "4.0.0"), GATE: ("person", "4.0.0")}
    assert device.bundles.refused == ""


def test_what_was_deployed_with_one_bundle_goes_on_with_a_release_of_several(device: Device) -> None:
    device.release("1.0.0", default=ModelKind.CLASSIFIER)
    device.configure({"cameras": {"yard": {"raise_at": 0.5}}})
    assert device.watch() == {YARD: ("anomaly", "1.0.0"), GATE: ("anomaly", "1.0.0")}
    device.release("2.0.0", **BOTH)
    assert device.watch() == {}  # what is on goes on
    assert [model.manifest.version for model in device.bundles.models.values()] == ["2.0.0"]


def test_a_camera_is_given_another_detector_and_back_while_something_is_on(device: Device) -> None:
    device.release("1.0.0", **BOTH)
    device.configure(WITH_TRAFFIC)
    device.watch()
    device.configure({"bundles": {"traffic": ""}, "cameras": {"gate": {}, "yard": {"detector": "traffic"}}})
    assert device.watch() == {YARD: ("person", "1.0.0"), GATE: ("anomaly", "1.0.0")}
