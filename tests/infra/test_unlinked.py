# ruff: noqa: RUF001  spellings that only look alike are the point
"""No text of a device reaches a person as a link: what phones and mail programs look for, looked for here."""

import re
from collections.abc import Iterator
from datetime import UTC

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.audience import Language
from infra.alerts.runtime.facts import AlertFacts, ClosingFacts, DigestFacts, HeldEvent, PictureLink
from infra.alerts.runtime.timing import occasion
from infra.alerts.runtime.words.chinese import CHINESE
from infra.alerts.runtime.words.english import ENGLISH
from infra.alerts.runtime.words.gsm7 import to_ascii, to_gsm7
from infra.alerts.runtime.words.render import AlertText, render_alert, render_closing, render_digest
from infra.alerts.runtime.words.unlinked import unlinked
from smartcam.contract.event import EventKind
from smartcam.contract.ids import CameraId, ThingName
from tests.infra.sample import NOON, raised

NOON_ZONE = UTC
LINKS = [
    "example.com",
    "www.example.com",
    "http://example.com/login?x=1",
    "https://192.0.2.7/a",
    "http://localhost",
    "192.0.2.7",
    "1.2.3.4",
    "192.0.2.7:8080",
    "you@example.com",
    "you@localhost",
    "mailto:you",
    "tel:110",
    "TEL : 110",
    "tel: 5551234567",
    "sms:12345",
    "+49 170 1234567",
    "(555) 123-4567",
    "555.123.4567",
    "555-1234",
    "86753",
    "rtsp://camera",
    "javascript:x",
    "intent:scan",
    "example.com.",
    "see example.com now",
    "例子.中国",
    "例子。中国",
    "example。com",
    "example．com",
    "example｡com",
    "example․com",
    "example﹒com",
    "ｅｘａｍｐｌｅ．ｃｏｍ",
    "you＠example．com",
    "http：／／example．com",
    "exam\u200bple.com",
    "example.\u200bcom",
    "example\u2060.com",
    "example.\u00adcom",
    "example.\ufe0fcom",
    "example\u034f.com",
    "example\u3164.com",
    "moc\u202e.elpmaxe",
    "\u202eexample.com\u202c",
    "example\n.com",
    "a\nhttp://example.com\nb",
    "a\r\nexample.com",
    "a\u2028example.com",
    "⒌⒌⒌1234",
    "５５５１２３４５６７",
    "٥٥٥١٢٣٤٥٦٧",
    "①②③④⑤⑥⑦",
    "\\\\server\\share",
    "example.com:443",
    "ftp.example.org",
    "a.b.c.example.xn--p1ai",
    "1.example.com",
]
CLIP_URL = "https://bucket.s3.eu-west-1.amazonaws.com/clips/yard-1/gate/x.001.mp4?X-Amz-Signature=1"
URL = "https://bucket.s3.eu-west-1.amazonaws.com/snapshots/yard-1/gate/x.jpg?X-Amz-Signature=1"


def links(text: str) -> list[str]:
    """What a phone or a mail program would make a link of; wider than any of them."""
    # A fraction or an exponent is a number, and no letter of a host name.
    text = "".join("1" if each.isnumeric() and not each.isalpha() and not each.isdecimal() else each for each in text)
    found = re.findall(
        r"\S[.。．｡․﹒](?=[^\W\d_]).*"
        r"|\d+\.\d+\.\d+\.\d+"
        r"|\S@\S.*|://|(?i:www\.\S)"
        r"|(?i:(?:https?|ftp|rtsp|tel|sms|mailto|javascript|intent)\s*[:：]).*"
        r"|\\\\.*"
        r"|\d(?:[^\w,;:：]{0,4}\d){6,}",
        text,
    )
    return [each.strip() for each in found]


def texts_of(alert: AlertText) -> Iterator[str]:
    yield alert.sms.replace(alert.number, "ours")
    yield alert.subject.replace(alert.number, "ours")
    # The times, the ids and how to silence are ours.
    ours = re.compile(r"(UTC|When|Event|时间|事件)[:：]| *[0-9a-f]{8}-")
    silence = {*ENGLISH.silence, *CHINESE.silence}
    mail = alert.email.replace(alert.number, "ours").splitlines()
    yield from (line for line in mail if line not in silence and not ours.match(line))


@pytest.mark.parametrize("text", LINKS)
def test_nothing_of_a_text_is_a_link_in_any_alphabet(text: str) -> None:
    shown = unlinked(text)
    assert shown.isprintable()
    for clean in (str, to_gsm7, to_ascii):
        assert links(clean(shown)) == []


@pytest.mark.parametrize(
    "text",
    [
        "drive",
        "Nr. 5",
        "Gate: north",
        "night 22:00-06:00",
        "St. Anna",
        "hinten...",
        "yolo-v1.2.3",
        "0.1",
        "车道（东）",
        "东门：后院",
        "½ yard…",
        "12 of 14 devices",
        "lot 2024, row 12",
        "front/back",
        "smith & sons",
        "@home",
        "C\\D",
        "yard-1",
        "gate_12",
        "a×b",
    ],
)
def test_a_text_in_which_nothing_is_a_link_stays_as_it_is(text: str) -> None:
    assert unlinked(text) == text


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40))
@example("0.¼")
@example("0@¯")
def test_whatever_the_text_no_link_is_left(text: str) -> None:
    shown = unlinked(text)
    assert links(to_gsm7(shown)) == links(to_ascii(shown)) == links(shown) == []
    assert unlinked(shown) == shown


PIECES = st.sampled_from(
    [
        "example",
        "com",
        "www",
        "http",
        "tel",
        ".",
        "。",
        "．",
        "․",
        ":",
        "：",
        "/",
        "//",
        "@",
        "5551",
        "23",
        "-",
        " ",
        "(",
        ")",
        "+",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
@example("http:\u00a0")
@example("http: ")
@example("http: example")
@example("http: .example")
def test_whatever_pieces_a_link_is_made_of_none_is_left(text: str) -> None:
    shown = unlinked(text)
    assert links(to_gsm7(shown)) == links(shown) == []


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("field", ["zone", "label", "rule", "model_name", "model_version", "cause"])
def test_no_field_of_an_event_reaches_a_person_as_a_link(field: str, language: Language) -> None:
    for text in LINKS:
        event = raised(1, kind=EventKind.MOTION, **{"model_name": "yolo", "cause": "seen", field: text})
        alert = render_alert(AlertFacts(event, "123456", occasion(event, NOON), NOON_ZONE), language)
        assert [found for line in texts_of(alert) for found in links(line)] == []


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("thing", "camera"), [("tel:5551234567", "5551234567"), ("https:x", "555-123-4567")])
def test_no_name_of_a_device_or_a_camera_reaches_a_person_as_a_link(
    thing: str, camera: str, language: Language
) -> None:
    held = HeldEvent.of(raised(thing=ThingName(thing), camera_id=CameraId(camera)))
    event = raised(thing=ThingName(thing), camera_id=CameraId(camera))
    closing = ClosingFacts(held.thing, held.camera, (held,), "123456", NOON, NOON_ZONE)
    for text in (
        render_alert(AlertFacts(event, "123456", occasion(event, NOON), NOON_ZONE, (held,)), language),
        render_closing(closing, language),
        render_digest(DigestFacts((held,), "123456", NOON, NOON_ZONE), language),
    ):
        assert [found for line in texts_of(text) for found in links(line)] == []


@pytest.mark.parametrize("language", Language)
def test_the_pictures_own_link_stays_and_machines_get_every_text_as_it_was_sent(language: Language) -> None:
    event = raised(zone="example.com")
    picture = PictureLink(URL, arrived=True, valid_s=3600)
    clip = PictureLink(CLIP_URL, arrived=False, valid_s=3600)
    alert = render_alert(AlertFacts(event, "123456", occasion(event, NOON), NOON_ZONE, (), picture, clip), language)
    assert URL in alert.email
    assert CLIP_URL in alert.email
    assert '"zone": "example.com"' in alert.document
    assert "example.com" not in alert.email
