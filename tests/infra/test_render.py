import string
from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.agreed import DISPLAY_NAME
from infra.alerts.runtime.gsm7 import BASIC, EXTENDED, cut, septets, to_ascii, to_gsm7
from infra.alerts.runtime.render import (
    LONGEST_SUBJECT,
    MOST_COUNTED,
    SMS_ROOM,
    AlertText,
    alert_number,
    render_alert,
)
from infra.alerts.runtime.timing import Occasion, occasion
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Severity
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests import strategies
from tests.infra.sample import NOON, raised

zones = st.sampled_from([UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York"), timezone(timedelta(hours=-12))])
counts = st.sampled_from([0, 1, 7, 42, MOST_COUNTED, 10**6])
texts = st.text(st.characters(codec="utf-8"), max_size=60)


def sms(event: Event, held_back: int = 0) -> str:
    return render_alert(event, occasion(event, NOON), held_back).sms


def test_an_sms_says_what_where_when_in_this_order() -> None:
    number = alert_number(raised().event_id)
    assert sms(raised(zone="drive")) == f"Person: gate (drive), 01 Mar 11:59:59 UTC, alert {number}"


def test_an_sms_tells_severity_doubt_and_count() -> None:
    number = alert_number(raised().event_id)
    event = raised(severity=Severity.CRITICAL, age_ms=None)
    assert sms(event, 3) == f"Person!: gate, 01 Mar 11:59:59 UTC (time uncertain), alert {number}, 3 more before"


def test_an_event_about_a_device_names_the_device_and_one_about_a_fleet_says_how_many() -> None:
    device = raised(kind=EventKind.DEVICE_LOST, camera_id=WHOLE_DEVICE)
    fleet = raised(kind=EventKind.FLEET_LOST, thing=WHOLE_FLEET, camera_id=WHOLE_DEVICE, label="12 of 14 devices")
    assert sms(device).startswith("Device lost: yard-1, ")
    assert sms(fleet).startswith("Devices lost: 12 of 14 devices, ")
    assert render_alert(device, occasion(device, NOON), 0).email.startswith("Device lost (yard-1)\n")


def test_the_longest_event_keeps_what_matters() -> None:
    event = raised(
        kind=EventKind.CAMERA_RESTORED,
        severity=Severity.CRITICAL,
        camera_id=CameraId("c" * 64),
        zone="z" * 40,
        age_ms=None,
    )
    text = render_alert(event, Occasion(NOON, certain=False), MOST_COUNTED, ZoneInfo("Asia/Kathmandu")).sms
    assert text.startswith(
        f"Camera restored!: {'c' * 64} (zzzzzzzz...), 01 Mar 17:45:00 +0545 (time uncertain), alert "
    )
    assert "more before" not in text
    assert septets(text) <= SMS_ROOM


def test_the_topics_name_and_the_text_fit_into_one_sms() -> None:
    assert len(f"{DISPLAY_NAME}> ") + SMS_ROOM == 160


@settings(deadline=None)
@given(
    strategies.events(), counts, zones, st.booleans(), texts | st.none(), st.integers(-62_135_596_800, 253_402_300_799)
)
def test_every_alert_fits_into_one_sms_and_into_what_sns_takes(
    event: Event,
    held_back: int,
    zone: ZoneInfo,
    certain: bool,  # noqa: FBT001 - drawn by hypothesis
    place: str | None,
    second: int,
) -> None:
    event = Event(**{name: getattr(event, name) for name in Event.__slots__} | {"zone": place})
    alert = render_alert(event, Occasion(UtcNs(second * NS_PER_S), certain), held_back, zone)
    check_what_sns_takes(alert)
    assert str(event.camera_id) in alert.sms
    assert alert.number in alert.sms
    assert alert.number in alert.subject
    assert alert.number in alert.email
    assert certain is not ("time uncertain" in alert.sms)
    assert (held_back > 0) is ("Held back" in alert.email)


def check_what_sns_takes(alert: AlertText) -> None:
    assert septets(alert.sms) <= SMS_ROOM
    assert alert.sms.isprintable()
    assert 0 < len(alert.subject) <= LONGEST_SUBJECT
    assert alert.subject.isascii()
    assert alert.subject.isprintable()
    assert alert.subject[0] in string.ascii_letters
    assert len(alert.email.encode()) < 4096


@settings(deadline=None)
@given(texts)
def test_any_text_becomes_gsm7_on_one_line(text: str) -> None:
    plain = to_gsm7(text)
    assert set(plain) <= BASIC | EXTENDED
    assert not set(plain) & set("\n\r\f")
    assert to_gsm7(plain) == plain


@settings(deadline=None)
@given(texts)
def test_any_text_becomes_printable_ascii(text: str) -> None:
    assert all(" " <= character <= "~" for character in to_ascii(text))


@settings(deadline=None)
@given(texts.map(to_gsm7), st.integers(0, 40))
def test_cut_text_fits_and_keeps_its_beginning(text: str, room: int) -> None:
    short = cut(text, room)
    assert septets(short) <= room
    assert short == text or text.startswith(short.rstrip(".")[: max(room - 3, 0)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Straße Nr. 5", "Straße Nr. 5"),
        ("façade", "facade"),
        ("Łódź", "Lódz".replace("ó", "o")),
        ("„Tor“ – hinten…", '"Tor" - hinten...'),  # noqa: RUF001 - the typographic characters are the point
        ("a\nb\tc", "a b c"),
        ("门", "?"),
        ("€5 {x}", "€5 {x}"),
        ("½", "1?2"),
    ],
)
def test_letters_that_an_sms_does_not_know_become_ones_that_it_knows(text: str, expected: str) -> None:
    assert to_gsm7(text) == expected


def test_an_extended_character_takes_two_septets() -> None:
    assert septets("a€b") == 4
    assert cut("€€€€", 7) == "€€..."


def test_text_outside_the_alphabet_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="GSM-7"):
        septets("门")


def test_an_email_tells_everything_that_the_event_knows() -> None:
    event = raised(
        zone="Einfahrt Süd",
        label="person",
        model_name="ssd",
        model_version="1.0",
        suppressed=4,
        severity=Severity.CRITICAL,
    )
    alert = render_alert(event, occasion(event, NOON), 2, ZoneInfo("Europe/Berlin"))
    assert alert.email.splitlines() == [
        "Person! at camera gate",
        "",
        "When:      Sun 1 Mar 2026 12:59:59 CET",
        "UTC:       2026-03-01T11:59:59.500Z",
        "Camera:    gate on yard-1",
        "Zone:      Einfahrt Süd",
        "Label:     person",
        "Severity:  critical",
        "Score:     0.91 (raised at 0.50)",
        "Model:     ssd 1.0",
        "On device: 4 more of the same raised no event of their own",
        "Held back: 2 more since the last alert, by the cooldown",
        f"Alert:     {alert.number}",
        f"Event:     {event.event_id}",
    ]


def test_the_alert_number_follows_from_the_event_alone() -> None:
    assert alert_number(raised(1).event_id) == alert_number(raised(1).event_id)
    assert alert_number(raised(1).event_id) != alert_number(raised(2).event_id)
    assert len(alert_number(raised(1).event_id)) == 6


def test_the_time_told_is_the_devices_where_its_clock_was_trusted_and_the_arrivals_otherwise() -> None:
    wrong = raised(clock_synced=False, started_at=UtcNs(0), age_ms=1500)
    assert occasion(raised(), NOON) == Occasion(raised().started_at, certain=True)
    assert occasion(wrong, NOON) == Occasion(UtcNs(NOON - 1500 * NS_PER_MS), certain=True)
    assert occasion(raised(age_ms=None), NOON) == Occasion(raised().started_at, certain=False)


@settings(deadline=None)
@given(strategies.events(), strategies.utc_ms)
def test_every_event_has_a_time_that_can_be_told(event: Event, arrived_at: UtcNs) -> None:
    check_what_sns_takes(render_alert(event, occasion(event, arrived_at), 0))
