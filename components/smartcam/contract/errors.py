"""The tree of errors.

SmartcamError
├── ContractError          a message from outside is not as it must be
├── SettingsError          a configuration value is wrong: key, value, remedy
├── UnreadableText         a file that a person wrote cannot be taken as it stands
├── CameraLost             a source ended, stalled or failed
│   └── CameraEnded        a clip that is played once has reached its end
├── RingError              shared memory cannot be opened or is not ours
│   ├── FrameOverwritten   the writer was faster: take a newer notice
│   └── PacketOverwritten  the writer was faster: go on with the oldest packet that is there
├── ModelIntegrityError    a bundle is not what its manifest says
├── UploadFailed           a picture is not in the cloud: try again
├── OutboxError            the disk refuses what must not be lost
└── BusError
    ├── BusUnavailable     the nucleus or its connection is away: try again
    ├── BusRefused         the nucleus says no: fix the recipe
    └── MessageTooLarge    the nucleus would drop the connection over this message
"""

import re
from typing import Final

_LONGEST_VALUE: Final = 200
"""A longer wrong value is cut off."""
_LONGEST_NAME: Final = 80
_LOOKED_AT: Final = 10 * _LONGEST_VALUE
_NOT_SHOWN: Final = "(not shown)"
_WORDS: Final = r"(?:pass(?:word|wd|phrase)?|pas|pwd|pw|psw|auth(?:orization)?|token|secret)"
_SECRET_KEY: Final = re.compile(rf"\b{_WORDS}$", re.IGNORECASE)
_SECRET: Final = re.compile(rf"(?<=//)[^\s'\"]*(?=@)|(?<![a-z])({_WORDS}['\"]?[=:] ?)(['\"]?)[^'\"&,]+", re.IGNORECASE)
"""Credentials: before an address's host, or after a word for them. A misspelt `url` is shown without its password."""


class SmartcamError(Exception):
    """Everything that the suite raises on purpose."""


class ContractError(SmartcamError):
    """A message that is not as it must be; `field` names the place, `value` is what stands there."""

    def __init__(self, field: str, reason: str, value: str | None = None) -> None:
        super().__init__(f"{field}: {reason}{'' if value is None else f', not {value[:_LONGEST_NAME]!r}'}")
        self.field = field
        self.reason = reason


class SettingsError(SmartcamError):
    """A configuration value that cannot be used; `also` holds what else is wrong in its document.

    `shown` is the value as people may see it: short, and without what looks like a secret.
    """

    def __init__(self, key: str, value: object, remedy: str) -> None:
        text = repr(_NOT_SHOWN if _SECRET_KEY.search(key) else value)[:_LOOKED_AT]
        shown = _SECRET.sub(rf"\1\2{_NOT_SHOWN}", text)
        self.shown = shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}..."
        super().__init__(f"{key} = {self.shown}: {remedy}")
        self.key = key
        self.value = value
        self.remedy = remedy
        self.also: tuple[SettingsError, ...] = ()


class CameraLost(SmartcamError):
    """The source delivers no more pictures; opening it again may help."""


class CameraEnded(CameraLost):
    """A clip that is played once has reached its end and is not to be opened again."""


class RingError(SmartcamError):
    """Shared memory that cannot be opened, or belongs to somebody else."""


class FrameOverwritten(RingError):
    """The slot holds another frame by now."""


class PacketOverwritten(RingError):
    """The packet has made room for newer ones."""


class ModelIntegrityError(SmartcamError):
    """A bundle whose hash, signature, shape or golden output is not what its manifest says."""


class UploadFailed(SmartcamError):
    """A picture could not be uploaded for now."""


class OutboxError(SmartcamError):
    """The outbox could not be read or written."""


class BusError(SmartcamError):
    """A message could not be passed on."""


class BusUnavailable(BusError):
    """The nucleus, or its way to the cloud, is away for now."""


class BusRefused(BusError):
    """The nucleus does not allow it, or the request is wrong: trying again changes nothing."""


class MessageTooLarge(BusError):
    """The message is over the size that every nucleus carries."""
