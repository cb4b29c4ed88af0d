"""Which addresses a model may come from: TLS, or this machine itself. Pure."""

import string
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from tools.model.errors import FetchError

_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_LONGEST: Final = 4096


def is_address(text: str) -> bool:
    """Whether a text is meant as an address, not as the path of a file."""
    return "://" in text


def is_here(address: str) -> bool:
    """Whether an address that was checked leads to this machine."""
    return urlsplit(address).hostname in _HERE


def shown(address: str) -> str:
    """An address as it may be printed: without a login, and without a query, which may hold a key."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    place = f"{host.rpartition('@')[2]}{slash}{path}".partition("?")[0].partition("#")[0]
    return "".join(each if each.isprintable() else "?" for each in f"{scheme}://{place}"[:_LONGEST])


def check_address(address: str, *, here: bool = True) -> None:
    """Refuse what must not be asked.

    Plain HTTP is for this machine alone, and only where `here` allows it: nobody between can change or read anything.

    Raises:
        FetchError: naming the address and what it must be.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise FetchError(shown(address), f"is no address ({error})") from error
    if parts.scheme != "https" and not (here and parts.scheme == "http" and host in _HERE):
        raise FetchError(shown(address), "must begin with https:// (http:// is for 127.0.0.1; a file needs no file://)")
    if not host or not _is_plain(address):
        raise FetchError(shown(address), "is no address; write it as https://host/path, other characters as %XX")
    if parts.username is not None or parts.password is not None:
        raise FetchError(shown(address), "holds a login, which is not sent; download the file yourself")


def _is_plain(address: str) -> bool:
    """Whether it has no character that an address writes as %XX, and is not too long."""
    return address.isascii() and address.isprintable() and " " not in address and len(address) <= _LONGEST


def redirected(address: str, location: str, *, here: bool) -> str:
    """Where a redirect leads. Raises FetchError, as `check_address`, naming both."""
    try:
        target = urljoin(address, quote(location, safe=string.punctuation, encoding="latin-1"))
    except ValueError as error:
        raise FetchError(shown(address), f"redirects to what is no address ({error})") from error
    try:
        check_address(target, here=here)
    except FetchError as error:
        raise FetchError(shown(address), f"redirects to {error}") from error
    return target
