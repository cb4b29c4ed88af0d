"""Typed reading of a component's configuration document."""

import base64
import binascii
import difflib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.ids import MOST_CAMERAS_OF_A_DEVICE, CameraId, camera_id

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_NOT_OURS = frozenset({"accessControl"})
"""Keys at the root of every component's document that belong to the nucleus."""
_FEWEST_CORNERS = 3
_KEY_BYTES = 32


class Settings:
    """A table of settings that is read key by key; numbers and booleans may come as strings.

    Nucleus lite delivers each scalar of a YAML recipe as a string. An absent or null key takes the default.
    Every method raises SettingsError naming the whole key, its value and what it may be. With a table `noted` the
    error goes into that instead, one for each key, and a usable value is returned, so that reading can go on: `done`
    raises what was noted.
    """

    def __init__(
        self, document: Mapping[str, object], path: str = "", noted: dict[str, SettingsError] | None = None
    ) -> None:
        self._document = document
        self._path = path
        self._noted = noted
        self._known: set[str] = set()
        self._inner: list[Settings] = []

    def integer(self, key: str, default: int, lowest: int, highest: int) -> int:
        """A whole number within the range."""

        def read(value: object) -> int | None:
            number = finite_number(value)
            if number is None or not number.is_integer() or not lowest <= number <= highest:
                return None
            return int(number)

        return self._read(key, default, read, f"must be a whole number from {lowest} to {highest}")

    def number(self, key: str, default: float, lowest: float, highest: float) -> float:
        """A finite number within the range."""

        def read(value: object) -> float | None:
            number = finite_number(value)
            return number if number is not None and lowest <= number <= highest else None

        return self._read(key, default, read, f"must be a number from {lowest:g} to {highest:g}")

    def one_of(self, key: str, default: int, numbers: Sequence[int], unit: str) -> int:
        """One of these whole numbers."""

        def read(value: object) -> int | None:
            number = finite_number(value)
            return None if number is None or number not in numbers else int(number)

        return self._read(key, default, read, f"must be one of {', '.join(map(str, numbers))} {unit}")

    def boolean(self, key: str, *, default: bool) -> bool:
        """True or false."""

        def read(value: object) -> bool | None:
            word = str(value).strip().lower() if isinstance(value, bool | str | int) else ""
            return word in _TRUE if word in _TRUE | _FALSE else None

        return self._read(key, default, read, "must be true or false")

    def text(self, key: str, default: str, longest: int = 1024, *, secret: bool = False) -> str:
        """Text of at most `longest` characters; the value and the default may be empty.

        A value that may hold a secret is shown in no error.
        """

        def read(value: object) -> str | None:
            return value if isinstance(value, str) and len(value) <= longest and value.isprintable() else None

        remedy = f"must be one line of text, of at most {longest} characters"
        return self._read(key, default, read, remedy, shown="(not shown)" if secret else None)

    def choice(self, key: str, default: E) -> E:
        """One of the words of the default's enumeration."""
        words = [str(word) for word in type(default)]
        near = closest(str(self._document.get(key)), words)

        def read(value: object) -> E | None:
            return type(default)(str(value)) if value in words else None

        return self._read(key, default, read, f"must be one of {', '.join(words)}{near}")

    def texts(self, key: str, default: Sequence[str]) -> tuple[str, ...]:
        """A list of words; a single word counts as a list of one."""

        def read(value: object) -> tuple[str, ...] | None:
            words = [value] if isinstance(value, str) else value
            if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
                return None
            return tuple(words)

        return self._read(key, tuple(default), read, "must be a list of words")

    def public_key(self, key: str) -> bytes | None:
        """The 32 bytes of an Ed25519 public key, written in base64; None where the key is absent or empty."""
        text = self.text(key, "").strip()
        if not text:
            return None
        try:
            raw = base64.b64decode(text, validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) != _KEY_BYTES:
            remedy = "must be the 32 bytes of an Ed25519 public key in base64, as `smartcam sign` prints it"
            self.refuse(self.error(key, remedy))
            return None
        return raw

    def polygons(self, key: str) -> dict[str, tuple[tuple[float, float], ...]]:
        """Named polygons, each a list of three or more corners [x, y] in normalised coordinates, 0..1."""
        table = self.table(key)
        return {name: table.corners(name) for name in table.keys()}  # noqa: SIM118  not a mapping

    def points(self, key: str) -> tuple[tuple[float, float], ...]:
        """A list of points [x, y] in normalised coordinates; none where the key is absent."""
        return self._points(key, 0, "must be a list of points [x, y], each from 0 to 1")

    def corners(self, key: str) -> tuple[tuple[float, float], ...]:
        """One polygon of three or more corners [x, y] in normalised coordinates."""
        remedy = "must be a list of three or more corners [x, y], each from 0 to 1"
        return self._points(key, _FEWEST_CORNERS, remedy)

    def table(self, key: str) -> "Settings":
        """The table below a key; an empty one where the key is absent."""
        value = self._take(key)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            self.refuse(self.error(key, "must be a table of settings"))
            value = {}
        inner = Settings(value, self.name(key), self._noted)
        self._inner.append(inner)
        return inner

    def tables(self, key: str) -> dict[str, "Settings"]:
        """Named tables below a key."""
        table = self.table(key)
        tables = {name: table.table(name) for name in table.keys()}  # noqa: SIM118  not a mapping
        return {name: inner for name, inner in tables.items() if not table.is_wrong(name)}

    def cameras(self, key: str) -> dict[CameraId, "Settings"]:
        """Tables named by camera ids, of which a device has a limited number."""
        cameras: dict[CameraId, Settings] = {}
        for name, settings in self.tables(key).items():
            try:
                camera_id(name)
            except ContractError as error:
                self.refuse(SettingsError(f"{self.name(key)}.{name}", name, f"as a camera's id {error.reason}"))
            cameras[CameraId(name)] = settings
        if len(cameras) > MOST_CAMERAS_OF_A_DEVICE:
            remedy = f"must be at most {MOST_CAMERAS_OF_A_DEVICE}: give the others to another device"
            self.refuse(SettingsError(self.name(key), f"{len(cameras)} cameras", remedy))
        return cameras

    def keys(self) -> tuple[str, ...]:
        """The keys that are there, read or not."""
        return tuple(str(key) for key in self._document)

    def has(self, key: str) -> bool:
        """Whether the key is there and not null; the key counts as known."""
        return self._take(key) is not None

    def name(self, key: str) -> str:
        """The key's whole name: `cameras.yard.analyse_fps`."""
        return f"{self._path}.{key}" if self._path else key

    def error(self, key: str, remedy: str) -> SettingsError:
        """An error about this key, for readers with rules of their own to pass to `refuse`."""
        return SettingsError(self.name(key), self._document.get(key), remedy)

    def refuse(self, error: SettingsError) -> None:
        """Raise the error, or note it where errors are noted; of several about one key, only the first is."""
        if self._noted is None:
            raise error
        self._noted.setdefault(error.key, error)

    def attempt(self, make: Callable[[], T], instead: T) -> T:
        """What `make` returns; if it raises a SettingsError, that is refused, and `instead` is returned."""
        try:
            return make()
        except SettingsError as error:
            self.refuse(error)
            return instead

    def is_wrong(self, key: str) -> bool:
        """Whether the key's value has been noted as wrong."""
        return self._noted is not None and self.name(key) in self._noted

    def done(self) -> None:
        """Raises SettingsError for a key that was never read, here or in a table below, or for what was noted.

        Unknown keys come first: a value that is missing may only be misspelt.
        """
        wrong = [*self.unknown(), *(self._noted or {}).values()]
        if wrong:
            wrong[0].also = tuple(wrong[1:])
            raise wrong[0]

    def unknown(self) -> Iterator[SettingsError]:
        """An error about each key that was never read, here and in the tables below."""
        known = self._known | (frozenset() if self._path else _NOT_OURS)
        for key in self.keys():
            if key not in known:
                near = closest(key, sorted(self._known))
                yield self.error(key, f"is not a setting{near or _all(self._known)}")
        for inner in self._inner:
            yield from inner.unknown()

    def _points(self, key: str, fewest: int, remedy: str) -> tuple[tuple[float, float], ...]:
        value = self._take(key)
        items = value if isinstance(value, list) else [] if value is None else [value]
        points = [_point(item) for item in items]
        if None in points or len(points) < fewest:
            self.refuse(self.error(key, remedy))
        return tuple(point for point in points if point is not None)

    def _read(
        self, key: str, default: T, read: Callable[[object], T | None], remedy: str, shown: str | None = None
    ) -> T:
        """What `read` returns for the value; if that is None, the value is refused, and the default is returned.

        The error shows `shown` instead of the value, if given.
        """
        value = self._take(key)
        found = default if value is None else read(value)
        if found is None:
            self.refuse(SettingsError(self.name(key), shown or value, remedy))
            return default
        return found

    def _take(self, key: str) -> object:
        self._known.add(key)
        return self._document.get(key)


def closest(word: str, known: Sequence[str]) -> str:
    """A suggestion of the closest known word; empty where none is close."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _all(known: Collection[str]) -> str:
    return f"; known are {', '.join(sorted(known))}" if known else ""


def finite_number(value: object) -> float | None:
    """The number that a value is or says; None if it is none, or not finite. True and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _point(item: object) -> tuple[float, float] | None:
    if not isinstance(item, list) or len(item) != 2:  # noqa: PLR2004  x and y
        return None
    x, y = finite_number(item[0]), finite_number(item[1])
    if x is None or y is None or not (0 <= x <= 1 and 0 <= y <= 1):
        return None
    return x, y


def time_zone(name: str, key: str) -> tzinfo:
    """The IANA time zone of a name. Raises SettingsError naming the key if this device does not know it."""
    if name == "UTC":  # the default must not depend on what is installed
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        remedy = "must be an IANA time zone that this device knows, such as Europe/Berlin"
        raise SettingsError(key, name, remedy) from error
