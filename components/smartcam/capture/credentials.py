"""User and password of an RTSP camera, from a file that only the component's user can read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from smartcam.capture.addresses import PASSWORD, USER
from smartcam.contract.errors import CameraLost
from smartcam.edge.files import FileExposed, read_private

_LARGEST_FILE: Final = 4096
_LONGEST: Final = 120
"""FFmpeg keeps 127 bytes of a URL's user and password and cuts off the rest."""
_KEYS: Final = ("user", "password")


@dataclass(frozen=True, slots=True)
class CameraCredentials:
    """A login for a camera. Neither part can be printed by accident."""

    user: str = field(repr=False)
    password: str = field(repr=False)


def read_credentials(path: Path) -> CameraCredentials:
    """The user and the password in a file of two lines, `user=...` and `password=...`.

    Raises:
        CameraLost: the file is missing, readable by others, or incomplete. The message shows none of its content.
    """
    try:
        return _parsed(path, read_private(path, _LARGEST_FILE + 1))
    except FileExposed as exposed:
        raise CameraLost(f"credentials {path}: {exposed}") from None
    except OSError as error:
        raise CameraLost(f"credentials {path}: {error.strerror or 'cannot be opened'}") from None


def address(url: str, credentials: CameraCredentials) -> str:
    """The URL to connect to, never to be shown: the credentials go where it has placeholders, else before the host.

    Raises:
        CameraLost: they do not fit into an address.
    """
    user, password = quote(credentials.user, safe=""), quote(credentials.password, safe="")
    if has_placeholders(url):
        return url.replace(USER, user).replace(PASSWORD, password)
    if ":" in credentials.user or len(user) + 1 + len(password) > _LONGEST:
        raise CameraLost(f"the credentials of {url} are too long, or their user holds a colon")
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{user}:{password}@{rest}"


def has_placeholders(url: str) -> bool:
    """Whether the camera wants its user and password inside the address, and not by a login."""
    return USER in url or PASSWORD in url


def _parsed(path: Path, content: bytes) -> CameraCredentials:
    found: dict[str, str] = {}
    try:
        lines = content.decode().splitlines() if len(content) <= _LARGEST_FILE else []
    except UnicodeDecodeError:
        lines = []
    for line in lines:
        key, _, value = line.partition("=")
        if value and value.isprintable():
            found[key.strip()] = value
    if any(key not in found for key in _KEYS):
        raise CameraLost(f"credentials {path}: must hold the lines user=... and password=...")
    return CameraCredentials(found["user"], found["password"])
