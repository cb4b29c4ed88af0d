"""What the address of an RTSP camera may be. Nothing here shows an address: it may hold a secret."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

USER: Final = "{user}"
PASSWORD: Final = "{password}"  # noqa: S105  where the password goes
FORM: Final = "must be the address rtsp://host[:port]/path, or rtsps:// where the camera encrypts"
IN_A_FILE: Final = (
    "must hold no user and password: name a file in `credentials`; a camera that wants them inside its address"
    f" gets {USER} and {PASSWORD} there"
)
_RTSP: Final = frozenset({"rtsp", "rtsps"})
_OTHERS: Final = {
    "http": "is a camera's web page or MJPEG stream, which is not read; most such cameras speak RTSP too:"
    " look for RTSP or ONVIF in its manual, and write rtsp://host[:port]/path",
    "rtmp": "is RTMP, by which a camera sends to a server and which is not read; look for RTSP in the camera's manual,"
    " and write rtsp://host[:port]/path",
    "rtspt": "must begin with rtsp://, and `rtsp_transport: tcp` says the rest",
    "rtspu": "must begin with rtsp://, and `rtsp_transport: udp` says the rest",
    "file": "is a file: write `source: file` and `path`",
    "rtp": "is a stream without the session that RTSP gives it, which is not read; write rtsp://host[:port]/path",
}
_SAME: Final = {"https": "http", "rtmps": "rtmp", "rtmpt": "rtmp", "rtmpe": "rtmp", "udp": "rtp", "srtp": "rtp"}
_LABEL: Final = "[A-Za-z0-9_-]{1,63}"
_HOST: Final = re.compile(
    rf"(?!.{{254}})(?:{_LABEL}\.)*{_LABEL}\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]{{1,45}}(%[A-Za-z0-9_.%-]{{1,32}})?"
)
_NOT_IN_URLS: Final = re.compile(r"[\s\"'<>\\^`|]")
_WORDS_OF_FFMPEG: Final = frozenset({"udp", "multicast", "tcp", "http", "filter_src"})
"""FFmpeg takes these words out of an address's query and chooses the transport by them."""
_BRACE: Final = re.compile(r"[{}]|%(25)*7[bd]", re.IGNORECASE)

_NAMED: Final = re.compile(r"([a-z0-9][a-z0-9_.-]*)[\"'\]\s]*[=:][\"'\[\s]*(?=(?P<value>[^&;/?#]*))")
_SECRET_NAME: Final = re.compile(
    r"(?<!com)(?<!by)pass(?!ive|age|thr)|pwd|secret|token|auth(?!or$|ors$)|credential|verif.*code|sessionid"
    r"|(?:pw|pas|psw|pswd)[0-9]*$|key$|(?:^|[_.-])(?:pin|sid|hash|md5|sig|sign|signature)$"
)
_NAMED_PIECE: Final = re.compile(r"/(?:pass(?:word|wd|phrase)?|pwd|psw|pw|token|secret)/(?P<value>[^/?#&]+)")
_USER_NAME: Final = re.compile(r"(?<![a-z0-9])(?:u|us|usr|user|username|userid|uid|login|account)[=:]")
_PLACEHOLDERS: Final = re.compile(r"(?:\{user\}|\{password\})+(?![a-z0-9])")
_SMALL: Final = re.compile(r"\d{1,2}(?:\.\d+)?z?")
"""What follows a colon in a time or a number of a stream: `12:30:00`, `track:1`."""
_HOST_BEHIND: Final = re.compile(r"[^/?&=]@(?:\[|[\w-]+(?:\.[\w-]+)+|[\w-]+:\d)")
"""A password that held a slash: `rtsp://admin:12/34@192.0.2.7/`."""


def fault_of(url: str) -> str:
    """What is wrong with an address, as the remedy of an error; empty where nothing is."""
    scheme = url.partition(":")[0].lower()
    if scheme not in _RTSP:
        return _OTHERS.get(_SAME.get(scheme, scheme), FORM)
    if holds_secret(url):
        return IN_A_FILE
    return (_fault_of_braces(url) or _fault_of_words(url)) if _is_address(url) else FORM


def holds_secret(url: str) -> bool:
    """Whether a user with a password, a token or the like seems to stand in an address, however it is encoded."""
    return any(_shows_secret(spelling) for spelling in _spellings(url.partition("://")[2].lower()))


def _fault_of_braces(url: str) -> str:
    if _BRACE.search(url.replace(USER, "").replace(PASSWORD, "")):
        return f"may hold {USER} and {PASSWORD}, written so, and no other braces"
    if USER in url and PASSWORD not in url:
        return f"holds {USER} and not {PASSWORD}: the password would reach nobody"
    return ""


def _fault_of_words(url: str) -> str:
    words = (word for word in re.split(r"[?&]", url)[1:] if word in _WORDS_OF_FFMPEG)
    return next((f"must not end in {word}: `rtsp_transport` says how the pictures come" for word in words), "")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_one = parts.port != 0 and bool(_HOST.fullmatch(parts.hostname or ""))
    except ValueError:
        return False
    return is_one and not _NOT_IN_URLS.search(url)


def _spellings(text: str) -> Iterator[str]:
    """The text, and what it is once its percent signs have been read, as often as there are some."""
    while True:
        yield text
        decoded = unquote(text).lower()
        if decoded == text:
            return
        text = decoded


def _shows_secret(rest: str) -> bool:
    authority, path = re.match(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]  # always fits
    if "@" in authority or _HOST_BEHIND.search(path):
        return True
    has_user = bool(_USER_NAME.search(path))
    named = [found["value"] for found in _NAMED.finditer(path) if _is_secret_name(found[1], has_user=has_user)]
    named += [found["value"] for found in _NAMED_PIECE.finditer(path)]
    if any(value and not _PLACEHOLDERS.match(value) for value in named):
        return True
    pieces = re.split(r"[/?&=;#,]", path.replace(USER, "u").replace(PASSWORD, "7"))
    return any(_is_pair(piece) for piece in pieces)


def _is_secret_name(name: str, *, has_user: bool) -> bool:
    # A lone `p` may be a page or a profile; beside a user it is the password.
    return bool(_SECRET_NAME.search(name)) or (has_user and re.split(r"[_.-]", name)[-1] == "p")


def _is_pair(piece: str) -> bool:
    """Whether it is `user:password`."""
    first, *others = piece.split(":")
    return bool(first) and any(other and not _SMALL.fullmatch(other) for other in others)
