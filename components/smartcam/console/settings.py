"""The console's configuration: where it is reached, and what has to be there before anybody else may reach it."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SettingsError
from smartcam.edge.settings import Settings

DEFAULT_ADDRESS: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8181
LOWEST_PORT: Final = 1024
HIGHEST_PORT: Final = 65_535
_LONGEST_PATH: Final = 4096


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Where the console is reached.

    `names`: by which names, besides addresses and localhost; a page that reaches it under another name is a stranger's.
    """

    address: str = DEFAULT_ADDRESS
    port: int = DEFAULT_PORT
    certificate: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether only this device can reach it."""
        return ip_address(self.address).is_loopback

    def url(self) -> str:
        """What to type into a browser."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'http' if self.certificate is None else 'https'}://{host}:{self.port}/"


def read_settings(document: Mapping[str, object]) -> ConsoleSettings:
    """The settings in a configuration document.

    Raises:
        SettingsError: naming the first wrong key, its value and what it may be.
    """
    root = Settings(document, noted={})
    certificate, key = root.text("certificate", "", _LONGEST_PATH), root.text("key", "", _LONGEST_PATH)
    settings = ConsoleSettings(
        address=_address(root),
        port=root.integer("port", DEFAULT_PORT, LOWEST_PORT, HIGHEST_PORT),
        certificate=Path(certificate) if certificate else None,
        key=Path(key) if key else None,
        names=tuple(name.lower() for name in root.texts("names", ())),
    )
    if bool(certificate) != bool(key):
        missing, there = ("key", "certificate") if certificate else ("certificate", "key")
        root.refuse(root.error(missing, f"must name a file in PEM, because {there} does"))
    if not root.is_wrong("address") and not settings.is_local and not certificate:
        remedy = f"needs TLS: set certificate and key, or stay at {DEFAULT_ADDRESS} and use an SSH tunnel"
        root.refuse(SettingsError("address", settings.address, remedy))
    root.done()
    return settings


def check_password(settings: ConsoleSettings, how_to_set: str, *, is_set: bool) -> None:
    """Raises SettingsError where others can reach the console and no password keeps them out."""
    if not settings.is_local and not is_set:
        remedy = f"needs a password: run `{how_to_set}` on the device, or stay at {DEFAULT_ADDRESS}"
        raise SettingsError("address", settings.address, remedy)


def tls_of(settings: ConsoleSettings) -> ssl.SSLContext | None:
    """The context with certificate and key, TLS 1.2 or newer; None where none is set.

    Raises:
        SettingsError: they cannot be read, or do not belong together.
    """
    if settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a passphrase would make OpenSSL ask for it on a terminal that is not there.
        context.load_cert_chain(settings.certificate, settings.key, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no certificate with its key"
        remedy = f"must be a certificate in PEM that belongs to key, both readable by the component ({reason})"
        raise SettingsError("certificate", str(settings.certificate), remedy) from error
    return context


def _address(root: Settings) -> str:
    text = root.text("address", DEFAULT_ADDRESS)
    try:
        return str(ip_address(text))
    except ValueError:
        remedy = f"must be an address of this device, such as {DEFAULT_ADDRESS} or 192.168.1.20; 0.0.0.0 means all"
        root.refuse(root.error("address", remedy))
        return DEFAULT_ADDRESS
