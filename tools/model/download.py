"""Brings one file of known size and SHA-256 here: goes on where it broke off, keeps nothing that is wrong."""

import http.client
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.model.address import shown
from tools.model.errors import FetchError, WrongBytes
from tools.model.http import USUAL_PACE, Answer, Pace, ask, in_words
from tools.model.partial import PartialFile

LARGEST: Final = 64 << 20
"""The most that is read of a file whose size nobody has told us."""
_CHUNK: Final = 1 << 16
_TRIES: Final = 3
_LONGEST_VALIDATOR: Final = 500
_RANGE: Final = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)", re.ASCII)
_OK, _PARTIAL, _BEYOND = http.client.OK, http.client.PARTIAL_CONTENT, http.client.REQUESTED_RANGE_NOT_SATISFIABLE
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

Tell = Callable[[int, int | None], None]
"""Hears how much is here, and of how much, where that is known."""


@dataclass(frozen=True, slots=True)
class ExactFile:
    """One file and no other; `size` in bytes, None where its publisher does not say it."""

    sha256: str
    size: int | None

    @property
    def most(self) -> int:
        """How much of it may be read."""
        return LARGEST if self.size is None else self.size


@dataclass(frozen=True, slots=True)
class Fetching:
    """How a file is fetched: how patiently, how long to wait (`pause`, in seconds) between two tries, who hears."""

    pause: Callable[[float], None]
    tell: Tell = lambda have, size: None  # noqa: ARG005
    pace: Pace = USUAL_PACE


def download(address: str, wanted: ExactFile, target: Path, fetching: Fetching) -> None:
    """Put the file at `address` into its place, once its size and SHA-256 are right.

    What came before a break is kept beside the target and gone on with, now and another time; a try that brings
    nothing is repeated twice.

    Raises:
        FetchError: nobody answers, or not with a file; WrongBytes: with another one, of which nothing stays.
        OSError: it cannot be written.
    """
    with closing(PartialFile(target)) as part:
        resumed = _complete(address, wanted, part, fetching)
        if resumed and not _right(part, wanted):
            # Not the server's fault, perhaps: what was here before may have been another file's beginning.
            part.begin(address, "")
            _complete(address, wanted, part, fetching)
        if not _right(part, wanted):
            found = part.sha256()
            part.drop()
            raise WrongBytes(
                shown(address), f"is not the file that is meant: its SHA-256 is {found}, expected {wanted.sha256}"
            )
        part.finish()


def _right(part: PartialFile, wanted: ExactFile) -> bool:
    return wanted.size in {None, part.have} and part.sha256() == wanted.sha256


def _complete(address: str, wanted: ExactFile, part: PartialFile, fetching: Fetching) -> bool:
    """All bytes, in as many tries as it takes. Whether the last one went on with what was there."""
    furthest, left = part.have, _TRIES
    while True:
        try:
            return _once(address, wanted, part, fetching)
        except WrongBytes:
            part.drop()
            raise
        except FetchError as error:
            if part.have - furthest >= fetching.pace.least_bytes:
                furthest, left = part.have, _TRIES
            left -= 1
            if not error.again or left == 0:
                raise
            fetching.pause(float(_TRIES - left))


def _once(address: str, wanted: ExactFile, part: PartialFile, fetching: Fetching) -> bool:
    """One try. Whether it went on with what was there."""
    before = part.validator(address)
    start = part.have if before is not None and part.have <= wanted.most else 0
    if start and start == wanted.size:
        return True
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and before:
        headers["If-Range"] = before
    with closing(ask(address, headers, fetching.pace)) as answer:
        goes_on = _goes_on(address, answer, start, wanted, part)
        if not goes_on:
            part.begin(address, _validator(answer))
        _check_length(address, answer, part.have, wanted)
        _read(address, answer, wanted, part, fetching.tell)
    return goes_on


def _goes_on(address: str, answer: Answer, start: int, wanted: ExactFile, part: PartialFile) -> bool:
    """Whether the answer begins where we stopped; else it begins anew. Raises FetchError for one that does neither."""
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError(shown(address), "comes packed, although it was asked for as it is; give another address")
    if answer.status == _OK:
        return False
    if answer.status == _PARTIAL and start:
        said = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if said and int(said[1]) == start:
            if wanted.size is not None and said[3] not in {"*", str(wanted.size)}:
                raise WrongBytes(shown(address), _wrong_size(f"has {said[3]} bytes", wanted))
            return True
    if answer.status in {_BEYOND, _PARTIAL} and start:
        part.begin(address, "")  # the next try asks for all of it
        raise FetchError(shown(address), "sends another part than the one that was asked for", again=True)
    name = http.client.responses.get(answer.status, "no status that there is")
    raise FetchError(shown(address), f"answers {answer.status} ({name})", again=answer.status in _AGAIN)


def _validator(answer: Answer) -> str:
    """What tells this file from a later one, as it is sent back; "" where there is nothing that can be."""
    tag = answer.headers.get("ETag", "")
    weak = tag.startswith("W/")  # promises no equal bytes
    said = "" if weak else tag or answer.headers.get("Last-Modified", "")
    return said if said.isprintable() and len(said) <= _LONGEST_VALIDATOR else ""


def _check_length(address: str, answer: Answer, have: int, wanted: ExactFile) -> None:
    if answer.length is None:
        return
    size = have + answer.length
    if size > wanted.most or wanted.size not in {None, size}:
        raise WrongBytes(shown(address), _wrong_size(f"has {size} bytes", wanted))


def _wrong_size(found: str, wanted: ExactFile) -> str:
    expected = f"at most {wanted.most}" if wanted.size is None else str(wanted.size)
    return f"is not the file that is meant: it {found}, expected {expected}"


def _read(address: str, answer: Answer, wanted: ExactFile, part: PartialFile, tell: Tell) -> None:
    promised = None if answer.length is None else part.have + answer.length
    while True:
        tell(part.have, wanted.size)
        try:
            chunk = answer.read1(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _broken(address, part.have, wanted, in_words(error)) from error
        if not chunk:
            break
        if part.have + len(chunk) > wanted.most:
            raise WrongBytes(shown(address), _wrong_size(f"goes on after {wanted.most} bytes", wanted))
        part.add(chunk)
    if part.have < (wanted.size or promised or 0):
        raise _broken(address, part.have, wanted, "the connection ended")


def _broken(address: str, have: int, wanted: ExactFile, why: str) -> FetchError:
    of = "" if wanted.size is None else f" of {wanted.size}"
    return FetchError(shown(address), f"broke off after {have}{of} bytes ({why})", again=True)
