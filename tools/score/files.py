"""What the verbs around the score read and write besides labels."""

import os
from pathlib import Path

from smartcam.contract.errors import SettingsError
from smartcam.inference.settings import InferenceSettings, read_settings
from tools.score.intervals import ScoreError
from tools.score.labels import read_json
from tools.score.playback import CAMERA


def camera_settings(path: Path | None) -> InferenceSettings:
    """The defaults, or one camera's table of smartcam.Inference's `cameras`, from a file. Raises ScoreError."""
    if path is None:
        return InferenceSettings()
    table = read_json(path, "camera settings")
    try:
        return read_settings({"cameras": {CAMERA: table}})
    except SettingsError as error:
        raise ScoreError(f"camera settings {path}: {error}") from error


def check_new(out: Path) -> None:
    """Raises ScoreError for a file that is there, because it may have been worked on, or that cannot be written."""
    if out.exists() or out.is_symlink():
        raise _there(out)
    if not out.parent.is_dir():
        raise ScoreError(f"{out}: there is no folder {out.parent}; make it, or give another --out")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise ScoreError(f"{out}: the folder {out.parent} cannot be written; give another --out")


def write_new(out: Path, text: str) -> None:
    """Write a file that was not there, which only its owner can read. Raises ScoreError."""
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise _there(out) from error
    except OSError as error:
        raise ScoreError(f"{out}: {error.strerror or error}") from error


def _there(out: Path) -> ScoreError:
    return ScoreError(f"{out} is there already, and may have been corrected; give another --out")
