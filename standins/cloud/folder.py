"""The local cloud's folder: its own, one cloud at a time, fresh at each start."""

import fcntl
import shutil
from pathlib import Path
from typing import IO, Final

_MARK: Final = ".smartcam-local-cloud"
_PARTS: Final = ("mail", "sms", "tmp", "home", "cdk-home", "cdk.out", "devices", "state", "s3")


class LocalCloudError(Exception):
    """The local cloud cannot start, or has ended: why, with the remedy or the last lines of its log."""


def claim_folder(folder: Path, *, keep: bool = False) -> IO[bytes]:
    """Make the folder ready, without what an earlier cloud left in it; closing the result releases it.

    `keep` leaves an earlier cloud's state in place, for a restart.

    Raises LocalCloudError for a folder that holds something else, or that another cloud is using.
    """
    mark = folder / _MARK
    if folder.exists() and not mark.exists() and any(folder.iterdir()):
        raise LocalCloudError(f"{folder} is neither empty nor a local cloud's folder; remedy: choose another")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    claim = mark.open("ab")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        claim.close()
        raise LocalCloudError(f"another local cloud runs in {folder}; remedy: end it or choose another") from error
    (folder / "ports.json").unlink(missing_ok=True)
    if keep:
        return claim
    for name in _PARTS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("sms", "tmp", "home", "cdk-home", "devices"):
        (folder / name).mkdir(mode=0o700)
    for name in ("outputs.json", "cloud.log"):
        (folder / name).unlink(missing_ok=True)
    return claim
