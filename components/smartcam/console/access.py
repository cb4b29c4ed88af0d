"""Who may use the console: the password, who is signed in, and how often somebody may guess."""

import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SmartcamError
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock
from smartcam.edge.files import FileExposed, read_private, replace_file

PASSWORD_FILE: Final = "password"  # noqa: S105  a file's name
SHORTEST, LONGEST = 10, 1024
"""Characters of a password."""
_SALT_BYTES: Final = 16
COST: Final = {"n": 1 << 14, "r": 8, "p": 5}
"""scrypt in 16 MB, as OWASP's password storage cheat sheet has it for that much memory; a third of a second on a Pi."""
_LARGEST_FILE: Final = 4096
_MOST_SESSIONS: Final = 32
_IDLE_NS: Final = 24 * 3600 * NS_PER_S
_FREE_GUESSES: Final = 5
_LONGEST_WAIT_S: Final = 900
_MOST_GUESSERS: Final = 256
_NEVER: Final = MonotonicNs(0)
_HOME_BITS: Final = 64
"""Of an address of IPv6: whoever has one has all that begin alike."""


class PasswordUnreadable(SmartcamError):
    """There is a password's file, and it cannot be trusted: nobody is let in, and nobody goes without."""


class Password:
    """The password's file, readable by its owner only: a salt, and what scrypt makes of both."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def is_set(self) -> bool:
        """Raises PasswordUnreadable."""
        return self._stored() is not None

    def version(self) -> str:
        """Another one after each change; empty where there is none. Raises PasswordUnreadable."""
        stored = self._stored()
        return "" if stored is None else stored[0].hex()

    def store(self, text: str, random: Callable[[int], bytes] = os.urandom) -> None:
        """Set the password, for good even if the power fails next.

        Raises:
            ValueError: it is too short or too long.
            OSError: the file cannot be written; the password before still holds.
        """
        if not SHORTEST <= len(text) <= LONGEST:
            raise ValueError(f"a password has {SHORTEST} to {LONGEST} characters")
        salt = random(_SALT_BYTES)
        document = {"salt": salt.hex(), "scrypt": _derived(text, salt).hex()}
        replace_file(self.path, json.dumps(document).encode(), durable=True)

    def matches(self, text: str) -> bool:
        """Whether this is the password; takes some time by design. Raises PasswordUnreadable."""
        salt, derived = self._stored() or (b"", b"")
        return bool(salt) and len(text) <= LONGEST and hmac.compare_digest(_derived(text, salt), derived)

    def _stored(self) -> tuple[bytes, bytes] | None:
        try:
            document = json.loads(read_private(self.path, _LARGEST_FILE))
            salt, derived = bytes.fromhex(document["salt"]), bytes.fromhex(document["scrypt"])
            reason = "" if salt and derived else "is damaged"
        except FileNotFoundError:
            return None
        except FileExposed:
            reason = "must be a file that its owner alone can read"
        except OSError as error:
            reason = error.strerror or "cannot be opened"
        except (ValueError, KeyError, TypeError, RecursionError):
            reason = "is damaged"
        if reason:
            raise PasswordUnreadable(f"{self.path}: {reason}; set the password again, or remove the file")
        return salt, derived


def _derived(text: str, salt: bytes) -> bytes:
    return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=salt, **COST)


@dataclass(eq=False, slots=True)
class Session:
    """Somebody who is signed in. `token` goes with everything that changes something."""

    token: str
    version: str = ""
    used_at: MonotonicNs = _NEVER


class Sessions:
    """Who is signed in, in memory: a restart signs everybody out, and so does another password."""

    def __init__(self, password: Password, clock: Clock, new_word: Callable[[], str]) -> None:
        """`new_word` makes words that nobody can guess."""
        self.password = password
        self._clock = clock
        self._new_word = new_word
        self._sessions: dict[str, Session] = {}
        self._open = Session(new_word())
        """Everybody's, where no password is set: the token still keeps other pages out."""

    def begin(self) -> tuple[str, Session]:
        """Somebody has signed in: the cookie's value, and the session. Where there are too many, the oldest ends."""
        cookie = self._new_word()
        session = Session(self._new_word(), self.password.version(), self._clock.monotonic())
        self._sessions[_digest(cookie)] = session
        while len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda name: self._sessions[name].used_at)]
        return cookie, session

    def find(self, cookie: str | None) -> Session | None:
        """The session of a cookie, None if nobody is signed in by it. Raises PasswordUnreadable."""
        version = self.password.version()
        session = self._sessions.get(_digest(cookie or "")) if version else self._open
        if session is None or not self._holds(session, version):
            return None
        session.used_at = self._clock.monotonic()
        return session

    def holds(self, session: Session) -> bool:
        """Whether the session has not ended. Raises PasswordUnreadable."""
        return self._holds(session, self.password.version())

    def end(self, session: Session) -> None:
        """Sign out."""
        self._sessions = {name: one for name, one in self._sessions.items() if one is not session}

    def _holds(self, session: Session, version: str) -> bool:
        is_fresh = self._clock.monotonic() - session.used_at < _IDLE_NS
        is_signed_in = session.version == version and is_fresh and session in self._sessions.values()
        return is_signed_in if version else session is self._open


def _digest(cookie: str) -> str:
    """What is kept of a cookie: who reads our memory in a dump cannot sign in, and looking it up tells no time."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()


class Guesses:
    """How long an address has to wait before it may try a password: after five wrong ones, longer each time.

    Where very many addresses guess, all that are new count as one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: dict[str, tuple[int, MonotonicNs]] = {}
        """How many wrong ones there were, and when the last."""

    def wait_s(self, address: str) -> int:
        """Seconds until the next try; 0: now."""
        wrong, last = self._wrong.get(self._name(address), (0, _NEVER))
        pause = min(2 ** (wrong - _FREE_GUESSES + 1), _LONGEST_WAIT_S) if wrong >= _FREE_GUESSES else 0
        left: int = last + pause * NS_PER_S - self._clock.monotonic()
        return max(0, -(-left // NS_PER_S))

    def begin(self, address: str) -> None:
        """Count a try as wrong before its password is checked: tries at the same time must not be free."""
        now, name = self._clock.monotonic(), self._name(address)
        # Whoever has waited for as long as anybody has to is forgotten.
        long = 2 * _LONGEST_WAIT_S * NS_PER_S
        self._wrong = {each: one for each, one in self._wrong.items() if now - one[1] < long}
        self._wrong[name] = self._wrong.get(name, (0, now))[0] + 1, now

    def right(self, address: str) -> None:
        """The password was the right one."""
        self._wrong.pop(self._name(address), None)

    def _name(self, address: str) -> str:
        home = _home(address)
        return home if home in self._wrong or len(self._wrong) < _MOST_GUESSERS else "others"


def plain(address: str) -> str:
    """An IPv4 address is one, even where it was reached at a socket for IPv6."""
    return address.removeprefix("::ffff:") if "." in address else address


def _home(address: str) -> str:
    address = plain(address)
    try:
        return str(ip_network((address, _HOME_BITS), strict=False)) if ":" in address else str(ip_address(address))
    except ValueError:
        return "unknown"
