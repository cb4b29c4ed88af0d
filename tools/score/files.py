"""What the verbs around the score read and write besides labels."""

import os
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SettingsError
from smartcam.contract.written import UnreadableText, read_text
from smartcam.inference.settings import InferenceSettings, read_settings
from tools.score.intervals import ScoreError
from tools.score.labels import read_json
from tools.score.playback import CAMERA
from tools.strict_yaml import MOST_BYTES, yaml_of

_WHAT: Final = "camera settings"
_YAML: Final = frozenset({".yaml", ".yml"})


def camera_settings(path: Path | None) -> InferenceSettings:
    """The defaults, or what a file, JSON or YAML, says of one camera. Raises ScoreError.

    It holds that camera's table of smartcam.Inference's `cameras`, or `cameras` with this table alone, as `smartcam
    tune` writes it.
    """
    if path is None:
        return InferenceSettings()
    table = _one_camera(path, _read_yaml(path) if path.suffix in _YAML else read_json(path, _WHAT))
    try:
        return read_settings({"cameras": {CAMERA: table}})
    except SettingsError as error:
        raise ScoreError(f"{_WHAT} {path}: {error}") from error


def _read_yaml(path: Path) -> object:
    try:
        return yaml_of(read_text(path, MOST_BYTES))
    except OSError as error:
        raise ScoreError(f"{_WHAT} {path}: {error.strerror or error}") from error
    except UnreadableText as error:
        raise ScoreError(f"{_WHAT} {error.within(path)}") from error


def _one_camera(path: Path, table: object) -> object:
    if not isinstance(table, dict) or [*table] != ["cameras"]:
        return table
    cameras = table["cameras"]
    if not isinstance(cameras, dict):
        raise ScoreError(f"{_WHAT} {path}: cameras: must be an object with one camera's settings")
    if len(cameras) != 1:
        names = ", ".join(cameras) or "none"
        reason = f"holds the settings of {len(cameras)} cameras ({names}); keep the one that is to be scored"
        raise ScoreError(f"{_WHAT} {path}: {reason}")
    return next(iter(cameras.values()))


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
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            out.unlink()  # nobody has corrected half a file
            raise
    except FileExistsError as error:
        raise _there(out) from error
    except OSError as error:
        raise ScoreError(f"{out}: {error.strerror or error}") from error


def write_figures(path: Path, text: str) -> None:
    """Write what says when somebody was there: a file that is made for it can be read by its owner only.

    Not by `replace_file`: what is there may be /dev/stdout, and would be a file afterwards. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _there(out: Path) -> ScoreError:
    return ScoreError(f"{out} is there already, and may have been corrected; give another --out")
