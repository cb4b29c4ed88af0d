"""What a camera tells by ONVIF of its streams. Every question goes to the camera that answered, whatever it tells."""

import html
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from smartcam.capture.credentials import CameraCredentials
from tools.cameras.addresses import ServiceAddress, service_address, stream_address
from tools.cameras.envelope import Element, NotUnderstood, local_name, read_xml, request, security, texts

MOST_PROFILES: Final = 32
_LARGEST_PICTURE: Final = 1920 * 1080
"""More than a small device decodes in passing: the largest stream within this is proposed."""
_DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
_MEDIA: Final = "http://www.onvif.org/ver10/media/wsdl"
_SCHEMA: Final = "http://www.onvif.org/ver10/schema"
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})
_WORDS_OF_REFUSAL: Final = ("notauthorized", "not authorized", "failedauthentication", "unauthorized")

Post = Callable[[ServiceAddress, bytes], tuple[int, bytes]]
"""Sends a question to a service; gives status and answer. Raises NotUnderstood."""


class LoginWanted(NotUnderstood):
    """The camera tells this only to somebody it knows."""


@dataclass(frozen=True, slots=True)
class OfferedStream:
    """One of a camera's streams. `picture_source` is the lens or channel that it shows."""

    url: str
    picture_source: str
    size: tuple[int, int]
    encoding: str
    had_login: bool

    def __str__(self) -> str:
        """For people."""
        size = f"{self.size[0]}x{self.size[1]}" if all(self.size) else "unknown size"
        return f"{self.url} ({size} {self.encoding})"


@dataclass(frozen=True, slots=True)
class _Profile:
    token: str
    picture_source: str
    size: tuple[int, int]
    encoding: str


class OnvifTalk:
    """A conversation with one camera's services."""

    def __init__(
        self,
        service: ServiceAddress,
        post: Post,
        login: CameraCredentials | None = None,
        nonce: Callable[[], bytes] = lambda: os.urandom(16),
        utc: Callable[[], float] = time.time,
    ) -> None:
        self._service = service
        self._post = post
        self._login = login
        self._nonce = nonce
        self._utc = utc
        self._ahead = timedelta()

    def streams(self) -> tuple[tuple[OfferedStream, ...], tuple[str, ...]]:
        """Every stream that capture could read, and why others are left out.

        Raises:
            LoginWanted: without a login, or with a wrong one, it tells nothing.
            NotUnderstood: for all other reasons.
        """
        if self._login is not None:
            self._ahead = self._clock_difference()
        media = self._media_service()
        profiles = list(_profiles(self._asked(media, f'<GetProfiles xmlns="{_MEDIA}"/>')))
        if not profiles:
            raise NotUnderstood("it tells no streams")
        found, reasons = [], []
        for profile in profiles[:MOST_PROFILES]:
            try:
                found.append(self._stream(media, profile))
            except LoginWanted:
                raise
            except NotUnderstood as error:
                reasons.append(str(error))
        return tuple(found), tuple(dict.fromkeys(reasons))

    def _stream(self, media: ServiceAddress, profile: _Profile) -> OfferedStream:
        body = (
            f'<GetStreamUri xmlns="{_MEDIA}"><StreamSetup><Stream xmlns="{_SCHEMA}">RTP-Unicast</Stream>'
            f'<Transport xmlns="{_SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
            f"<ProfileToken>{html.escape(profile.token)}</ProfileToken></GetStreamUri>"
        )
        told = next(iter(texts(self._asked(media, body), "Uri")), "")
        url, had_login = stream_address(told, self._service.host)
        return OfferedStream(url, profile.picture_source, profile.size, profile.encoding, had_login)

    def _media_service(self) -> ServiceAddress:
        """Its own address, whatever host it names; the device's service where it tells none, as simple cameras do."""
        root = self._asked(
            self._service, f'<GetCapabilities xmlns="{_DEVICE}"><Category>Media</Category></GetCapabilities>'
        )
        for media in (each for each in root.iter() if local_name(each) == "Media"):
            for told in texts(media, "XAddr"):
                return service_address(told, self._service.host)
        return self._service

    def _clock_difference(self) -> timedelta:
        """How far the camera's clock is ahead of ours: it takes logins of its own time only."""
        try:
            root = self._asked(self._service, f'<GetSystemDateAndTime xmlns="{_DEVICE}"/>', is_open=True)
            [moment] = [each for each in root.iter() if local_name(each) == "UTCDateTime"]
            year, month, day = (int(texts(moment, part)[0]) for part in ("Year", "Month", "Day"))
            hour, minute, second = (int(texts(moment, part)[0]) for part in ("Hour", "Minute", "Second"))
            there = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except (NotUnderstood, ValueError, IndexError, OverflowError):
            return timedelta()  # then it must have the right time
        return there - datetime.fromtimestamp(self._utc(), UTC)

    def _asked(self, service: ServiceAddress, body: str, *, is_open: bool = False) -> Element:
        header = "" if self._login is None or is_open else self._security(self._login)
        status, raw = self._post(service, request(body, header))
        if status in _REFUSED:
            raise LoginWanted(self._refusal())
        try:
            root = read_xml(raw)
        except NotUnderstood:
            if status != _OK:
                raise NotUnderstood(f"it answers with HTTP status {status}") from None
            raise
        self._refuse_fault(root)
        if status != _OK:
            raise NotUnderstood(f"it answers with HTTP status {status}")
        return root

    def _refuse_fault(self, root: Element) -> None:
        """Raises LoginWanted or NotUnderstood where an answer is a SOAP fault."""
        for fault in (each for each in root.iter() if local_name(each) == "Fault"):
            said = " ".join(part.strip() for part in fault.itertext()).lower()
            if any(word in said for word in _WORDS_OF_REFUSAL):
                raise LoginWanted(self._refusal())
            raise NotUnderstood("it refuses to answer (a SOAP fault)")

    def _security(self, login: CameraCredentials) -> str:
        try:
            there = datetime.fromtimestamp(self._utc(), UTC) + self._ahead
        except OverflowError:
            there = datetime.fromtimestamp(self._utc(), UTC)
        return security(login, self._nonce(), there.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def _refusal(self) -> str:
        return "it wants a login" if self._login is None else "it refuses this user or password"


def by_picture(streams: Sequence[OfferedStream]) -> list[list[OfferedStream]]:
    """The streams of each lens or channel, the one to analyse first: the largest up to 1920x1080, else its first."""
    lenses: dict[str, list[OfferedStream]] = {}
    for stream in streams:
        if all(stream.url != other.url for other in lenses.setdefault(stream.picture_source, [])):
            lenses[stream.picture_source].append(stream)
    for several in lenses.values():
        several.sort(key=_preference, reverse=True)  # keeps the camera's own order among equals
    return list(lenses.values())


def _preference(stream: OfferedStream) -> int:
    area = stream.size[0] * stream.size[1]
    return area if area <= _LARGEST_PICTURE else 0


def _profiles(root: Element) -> Iterator[_Profile]:
    for each in root.iter():
        token = each.get("token")
        if local_name(each) != "Profiles" or not token:
            continue
        encoder = next((part for part in each.iter() if local_name(part) == "VideoEncoderConfiguration"), each)
        size = (_number(encoder, "Width"), _number(encoder, "Height"))
        encoding = next(iter(texts(encoder, "Encoding")), "")
        yield _Profile(token, next(iter(texts(each, "SourceToken")), ""), size, encoding)


def _number(element: Element, tag: str) -> int:
    text = next(iter(texts(element, tag)), "")
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
