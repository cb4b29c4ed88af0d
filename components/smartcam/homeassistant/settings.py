"""The configuration of the component: which broker, as whom, below which topics, and whether pictures go there."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SettingsError
from smartcam.edge.files import FileExposed, read_private
from smartcam.edge.settings import Settings

DEFAULT_PORT: Final = 8883
DEFAULT_DISCOVERY: Final = "homeassistant"
DEFAULT_TOPICS: Final = "smartcam"
_HIGHEST_PORT: Final = 65_535
_LONGEST_PATH: Final = 4096
_LONGEST_HOST: Final = 253
_LONGEST_WORD: Final = 128
_LONGEST_PASSWORD: Final = 1024
"""Bytes."""


@dataclass(frozen=True, slots=True)
class HomeAssistantSettings:
    """Which broker is told. An empty `host`: none, and the component rests.

    `authority`: the certificates, as PEM, of who has signed the broker's; None: those that the system trusts.
    `pictures`: whether the pictures of events go to the broker.
    """

    host: str = ""
    port: int = DEFAULT_PORT
    authority: Path | None = None
    user: str = ""
    password_file: Path | None = None
    discovery_prefix: str = DEFAULT_DISCOVERY
    topic_prefix: str = DEFAULT_TOPICS
    pictures: bool = False


def read_settings(document: Mapping[str, object]) -> HomeAssistantSettings:
    """The settings in a configuration document.

    Raises:
        SettingsError: naming the first wrong key, its value and what it may be.
    """
    root = Settings(document, noted={})
    authority, password = root.text("authority", "", _LONGEST_PATH), root.text("password_file", "", _LONGEST_PATH)
    settings = HomeAssistantSettings(
        host=root.text("host", "", _LONGEST_HOST),
        port=root.integer("port", DEFAULT_PORT, 1, _HIGHEST_PORT),
        authority=Path(authority) if authority else None,
        user=root.text("user", "", _LONGEST_WORD),
        password_file=Path(password) if password else None,
        discovery_prefix=_prefix(root, "discovery_prefix", DEFAULT_DISCOVERY),
        topic_prefix=_prefix(root, "topic_prefix", DEFAULT_TOPICS),
        pictures=root.boolean("pictures", default=False),
    )
    if any(sign in settings.host for sign in "/@ ") or not settings.host.isascii():
        remedy = "must be a name or an address alone, such as broker.lan: port and user have keys of their own"
        root.refuse(root.error("host", remedy))
    if bool(settings.user) != bool(password):
        missing, there = ("password_file", "user") if settings.user else ("user", "password_file")
        root.refuse(root.error(missing, f"must be set, because {there} is"))
    root.done()
    return settings


def password_of(settings: HomeAssistantSettings) -> str | None:
    """The password in the file, without the line's end; None where none is named.

    Raises:
        SettingsError: it cannot be read, is another's, others may read it, or it holds no single line. It shows nothing
            of the file.
    """
    path = settings.password_file
    if path is None:
        return None
    try:
        content = read_private(path, _LONGEST_PASSWORD + 1)
    except FileExposed as exposed:
        remedy = f"must be readable by its owner only: it {exposed}"
        raise SettingsError("password_file", str(path), remedy) from exposed
    except OSError as error:
        remedy = f"must be a file that the component can read ({error.strerror})"
        raise SettingsError("password_file", str(path), remedy) from error
    try:
        password = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        password = ""
    if not 0 < len(content) <= _LONGEST_PASSWORD or not password.isprintable() or not password:
        remedy = f"must hold the password and nothing else: one line of at most {_LONGEST_PASSWORD} bytes"
        raise SettingsError("password_file", str(path), remedy)
    return password


def tls_of(settings: HomeAssistantSettings, kind: type[ssl.SSLContext] = ssl.SSLContext) -> ssl.SSLContext:
    """A context of that kind, which checks the broker's certificate and name, TLS 1.2 or newer.

    Raises:
        SettingsError: `authority` cannot be read, or holds no certificate.
    """
    context = kind(ssl.PROTOCOL_TLS_CLIENT)  # it checks both
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.authority is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(settings.authority)
    except (OSError, ValueError) as error:
        reason = "no certificate" if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None) or str(error)
        remedy = f"must be a file with the authority's certificate in PEM, readable by the component ({reason})"
        raise SettingsError("authority", str(settings.authority), remedy) from error
    return context


def _prefix(root: Settings, key: str, default: str) -> str:
    text = root.text(key, default, _LONGEST_WORD)
    if not all(text.split("/")) or any(sign in text for sign in "+#") or text.startswith("$"):
        remedy = "must be a topic's beginning, such as smartcam or home/smartcam, without + and #"
        root.refuse(root.error(key, remedy))
        return default
    return text
