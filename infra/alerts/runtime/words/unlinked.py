"""Names that a device or its owner gave, written so that no phone and no mail program makes a link of them.

Who has got hold of a device may call a zone `example.com/login`: the alert would carry that link to everybody who
trusts these alerts.
"""

import re
import unicodedata
from dataclasses import replace
from typing import Final

from infra.alerts.runtime.facts import AlertFacts, ClosingFacts
from infra.alerts.runtime.words.fitting import one_line
from smartcam.contract.ids import CameraId, ThingName

_INSTEAD: Final = "_"
"""No link goes on across it: neither a host name nor a phone number holds one, and it takes one septet of an SMS."""
_NUMBER: Final = re.compile(r"\d(?:[^\w,;:]{0,5}\d){4,}")
"""Five digits or more, whatever stands between them: the shortest that phones take for a number to call."""
_IP_ADDRESS: Final = re.compile(r"\d+(?:\.\d+){3,}")
_SCHEMES: Final = ("http", "https", "ftp", "rtsp", "tel", "sms", "mailto", "javascript", "intent")
"""These are taken for the beginning of a link also where blanks follow."""
_AFTER_SCHEMES: Final = "|".join(rf"(?<={scheme})\s*:\s*" for scheme in _SCHEMES)
_LINKS: Final = re.compile(
    r"(?<=\S)[.。](?=[.。]*[^\s\d.。])"  # a host name; "Nr. 5", "v1.2" and "at last..." stay
    r"|(?<=www)[.。]"
    r"|(?<=\S)@"
    rf"|{_AFTER_SCHEMES}"
    r"|(?<=[a-z+._-]):(?=\S|\s*$)|(?<=[0-9]):(?=[^\s\d])|:(?=//)"  # a scheme; "Gate: north" and "22:00" stay
    r"|\\(?=\\)|(?<=\\)\\",  # \\server\share
    re.IGNORECASE,
)


def unlinked(text: str) -> str:
    """The text on one line, as it is unless something would make a link of a part of it."""
    line = one_line(text)
    # What is another spelling of a dot, a digit or a letter becomes one when the text is put into an SMS's alphabet.
    spelled = "".join(_spelled(character) for character in line)
    broken = _without_links(_IP_ADDRESS.sub(_in_parts, _NUMBER.sub(_in_parts, spelled)))
    return line if broken == spelled else broken


def _without_links(text: str) -> str:
    """What was broken may stand before a dot where a blank stood."""
    while (broken := _LINKS.sub(_INSTEAD, text)) != text:
        text = broken
    return text


def named_alert(facts: AlertFacts) -> AlertFacts:
    """The facts with every text of the device's unlinked. The addresses of picture and clip are ours and stay."""
    event = facts.event
    shown = replace(
        event,
        thing=ThingName(unlinked(event.thing)),
        camera_id=CameraId(unlinked(event.camera_id)),
        rule=_optional(event.rule),
        cause=_optional(event.cause),
        zone=_optional(event.zone),
        label=_optional(event.label),
        model_name=_optional(event.model_name),
        model_version=_optional(event.model_version),
    )
    return replace(facts, event=shown)


def named_closing(facts: ClosingFacts) -> ClosingFacts:
    """The facts with every text of the device's unlinked."""
    return replace(facts, thing=ThingName(unlinked(facts.thing)), camera=CameraId(unlinked(facts.camera)))


def _optional(text: str | None) -> str | None:
    return None if text is None else unlinked(text)


def _spelled(character: str) -> str:
    compatible = unicodedata.normalize("NFKD", character)
    return compatible if any(sign.isascii() or sign == "。" for sign in compatible) else character


def _in_parts(number: re.Match[str]) -> str:
    """The digits in groups of at most four, which nothing takes for one number."""
    groups = re.findall(r"\d{1,4}", number.group())
    return _INSTEAD.join(groups)
