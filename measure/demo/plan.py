"""What a demo run is to do, checked before anything is started."""

import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av

from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraLost, ModelIntegrityError, SmartcamError
from smartcam.contract.ids import CameraId, ThingName
from smartcam.model.bundle import ModelBundle
from smartcam.model.manifest import MANIFEST_FILE, NO_MANIFEST
from tools.build.own_folder import check_own
from tools.build.suite import DEMO_BUNDLE
from tools.command_line import ROOT

DEMO_FOLDER: Final = ROOT / "build" / "demo"
CLIP_FOLDER: Final = ROOT / "build" / "clips"
OWN: Final = frozenset({"cdk.out", "cloud", "device", "device.log", "events", "greengrass-build", "report.json"})
"""What a run writes into its folder."""
EMAIL: Final = "you@example.com"
PHONE: Final = "+441632960001"  # from the range reserved for drama
THING: Final = ThingName("demo-device")
ALERTS_A_DAY: Final = 10.0
"""The budget of a camera that knows its yard: half a day of watching can promise no smaller one."""


class DemoError(SmartcamError):
    """The demo cannot go on: what failed, and the remedy."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """One run: a clip (None: the generated yard), a bundle, and where everything goes."""

    clip: Path | None
    bundle: Path
    cooldown_s: int
    camera: CameraId
    folder: Path
    built: Path | None = None
    """A build that is deployed as it is, the Runtime's packages included; None: one without packages is made."""
    profile: str = "lite"
    console: bool = False
    """Whether the local page runs beside the others."""

    @property
    def knows_its_yard(self) -> bool:
        """Whether the camera has learned what is normal: of its own yard, with its own model."""
        return self.clip is None and self.bundle == DEMO_BUNDLE

    def check(self) -> None:
        """Raises DemoError, or FileExistsError of the folder, for what would fail minutes later."""
        check_own(self.folder, OWN.__contains__)
        if self.clip is not None:
            clip_seconds(self.clip)
        if not (self.bundle / MANIFEST_FILE).is_file():
            raise DemoError(f"BUNDLE={self.bundle}: {NO_MANIFEST}")
        try:
            ModelBundle.open(self.bundle)
        except ModelIntegrityError as error:
            raise DemoError(f"BUNDLE={self.bundle}: the device would refuse it: {error}") from error


def free_port() -> int:
    """A port of this machine that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clip_seconds(clip: Path) -> float:
    """How long a clip is, 0 where it does not say. Raises DemoError when it is missing or no camera could play it."""
    if not clip.exists():
        raise DemoError(f"VIDEO={clip}: there is no such file")
    try:
        with closing(open_clip(clip)) as played:
            played.next()
    except CameraLost as error:
        # The camera names the whole path; a person knows the one that they have given.
        raise DemoError(f"VIDEO={error}".replace(str(clip.resolve()), str(clip))) from error
    try:
        with av.open(f"file:{clip.resolve()}", metadata_errors="replace") as container:
            return (container.duration or 0) / 1_000_000
    except av.FFmpegError:
        return 0.0
