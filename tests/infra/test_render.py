import inspect
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.agreed import DISPLAY_NAME
from infra.alerts.runtime.audience import Language
from infra.alerts.runtime.facts import (
    MOST_COUNTED,
    MOST_LISTED,
    AlertFacts,
    ClosingFacts,
    DigestFacts,
    HeldEvent,
    PictureLink,
)
from infra.alerts.runtime.timing import Occasion, occasion
from infra.alerts.runtime.words import layout
from infra.alerts.runtime.words.chinese import CHINESE
from infra.alerts.runtime.words.english import ENGLISH
from infra.alerts.runtime.words.fitting import GSM7, UCS2, ucs2_units
from infra.alerts.runtime.words.gsm7 import septets, to_gsm7
from infra.alerts.runtime.words.render import (
    MOST_IN_DOCUMENT,
    AlertText,
    Purpose,
    alert_number,
    render_alert,
    render_closing,
    render_digest,
)
from infra.alerts.runtime.words.unlinked import unlinked
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Severity
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests import strategies
from tests.infra.sample import NOON, raised

LONGEST_SUBJECT = 99
BERLIN = ZoneInfo("Europe/Berlin")
EN, ZH = Language.ENGLISH, Language.CHINESE
SNS_BYTES = 262_144

zones = st.sampled_from([UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York"), timezone(timedelta(hours=-12))])
counts = st.sampled_from([0, 1, 7, MOST_COUNTED])
texts = st.text(st.characters(codec="utf-8"), max_size=60)
languages = st.sampled_from(Language)
THERE = PictureLink("https://bucket/x.jpg?sig=1", arrived=True, valid_s=3600)
COMING = PictureLink("https://b/x", arrived=False, valid_s=3600)
pictures = st.sampled_from([None, THERE, COMING])


def held(count: int, camera: str = "gate", kind: EventKind = EventKind.PERSON) -> tuple[HeldEvent, ...]:
    return tuple(
        HeldEvent(
            ThingName("yard-1"),
            CameraId(camera),
            new_event_id(UtcNs(NOON + (number + 100) * NS_PER_MS), number.to_bytes(10)),
            kind,
            Severity.WARNING,
        )
        for number in range(count)
    )


def facts_of(
    event: Event,
    held_back: int = 0,
    zone: tzinfo = UTC,
    picture: PictureLink | None = None,
    when: Occasion | None = None,
    *,
    sms_withheld: bool = False,
) -> AlertFacts:
    happened = occasion(event, NOON) if when is None else when
    number, others = alert_number(event.event_id), held(held_back)
    return AlertFacts(event, number, happened, zone, others, picture, sms_withheld=sms_withheld)


def sms(event: Event, held_back: int = 0, language: Language = EN) -> str:
    return render_alert(facts_of(event, held_back), language).sms


def test_an_sms_says_where_what_when_in_this_order() -> None:
    number = alert_number(raised().event_id)
    assert sms(raised(zone="drive")) == f"gate (drive): Person, 01 Mar 11:59:59 UTC, alert {number}"
    assert sms(raised(zone="车道"), 0, ZH) == f"gate（车道）：人员，3月1日11:59:59，警报{number}"


def test_an_sms_tells_severity_doubt_and_count() -> None:
    number = alert_number(raised().event_id)
    event = raised(severity=Severity.CRITICAL, age_ms=None)
    assert sms(event, 3) == f"gate: Person!, 01 Mar 11:59:59 UTC (time uncertain), alert {number}, 3 more before"
    assert sms(event, 3, ZH) == f"gate：人员！，3月1日11:59:59（时间不确定），警报{number}，此前另有3次"


def test_the_longest_event_keeps_what_matters() -> None:
    event = raised(
        kind=EventKind.FLEET_LOST, severity=Severity.CRITICAL, camera_id=CameraId("c" * 64), zone="z" * 40, age_ms=None
    )
    when = Occasion(NOON, certain=False)
    english_text = render_alert(facts_of(event, MOST_COUNTED, ZoneInfo("Asia/Kathmandu"), when=when), EN).sms
    assert english_text.startswith(f"{'c' * 64}")
    assert ": Many devices lost!, 01 Mar 17:45:00 +0545 (time uncertain), alert " in english_text
    assert septets(english_text) <= 150
    chinese_text = render_alert(facts_of(event, MOST_COUNTED, ZoneInfo("Asia/Shanghai"), when=when), ZH).sms
    number = alert_number(event.event_id)
    assert chinese_text == f"{'c' * 22}…：多台设备失联！，3月1日20:00:00（时间不确定），警报{number}"
    assert ucs2_units(chinese_text) <= 60


def test_the_topics_name_and_the_text_fit_into_one_sms() -> None:
    assert (len(f"{DISPLAY_NAME}> ") + GSM7.room, len(f"{DISPLAY_NAME}> ") + UCS2.room) == (160, 70)


def test_both_languages_have_a_word_for_every_kind() -> None:
    assert set(ENGLISH.kinds) == set(CHINESE.kinds) == set(EventKind)
    assert set(ENGLISH.severities) == set(CHINESE.severities) == set(Severity)


def test_both_languages_give_words_for_the_same_causes_reasons_and_lines() -> None:
    assert set(ENGLISH.causes) == set(CHINESE.causes)
    assert set(ENGLISH.reasons) == set(CHINESE.reasons)
    assert set(ENGLISH.labels) == set(CHINESE.labels)
    assert set(ENGLISH.texts) == set(CHINESE.texts)


def test_the_layout_uses_every_text_and_label_that_a_language_brings() -> None:
    source = inspect.getsource(layout)
    assert not [name for name in (*ENGLISH.texts, *ENGLISH.labels) if f'"{name}"' not in source]


@st.composite
def alerts(draw: st.DrawFn) -> AlertFacts:
    """Every branch of an alert's templates."""
    event = replace(draw(strategies.events()), zone=draw(texts | st.none()))
    second = draw(st.integers(-62_135_596_800, 253_402_300_799))
    when = Occasion(UtcNs(second * NS_PER_S), certain=draw(st.booleans()))
    parts = draw(counts), draw(zones), draw(pictures), when
    return facts_of(event, *parts, sms_withheld=draw(st.booleans()))


@settings(deadline=None)
@given(alerts())
def test_every_alert_in_english_fits_into_one_sms_and_into_what_sns_takes(facts: AlertFacts) -> None:
    alert = render_alert(facts, EN)
    assert_sns_takes(alert, EN)
    assert to_gsm7(unlinked(facts.where)[:64]) in alert.sms
    assert alert.number in alert.sms
    assert alert.number in alert.email
    assert facts.when.certain is not ("time uncertain" in alert.sms)
    assert bool(facts.held_back) is ("Held back" in alert.email)
    assert (facts.picture is not None) is ("https://b" in alert.email)
    assert unlinked(facts.event.rule or "") in alert.email


@settings(deadline=None)
@given(alerts())
def test_every_alert_in_chinese_fits_into_one_sms_and_into_what_sns_takes(facts: AlertFacts) -> None:
    alert = render_alert(facts, ZH)
    assert_sns_takes(alert, ZH)
    assert alert.number in alert.sms
    assert alert.number in alert.email
    assert facts.when.certain is not ("时间不确定" in alert.sms)
    assert bool(facts.held_back) is ("已合并" in alert.email)
    assert (facts.picture is not None) is ("https://b" in alert.email)
    assert unlinked(facts.event.rule or "") in alert.email
    assert json.loads(alert.document)["event_ids"][0] == facts.event.event_id


def assert_sns_takes(alert: AlertText, language: Language) -> None:
    assert (septets(alert.sms) <= 150) if language is EN else (ucs2_units(alert.sms) <= 60)
    assert alert.sms.isprintable()
    assert 0 < len(alert.subject) <= LONGEST_SUBJECT
    assert language is ZH or alert.subject.isascii()
    assert alert.subject.isprintable()
    whole = json.dumps([alert.email, alert.email, alert.sms, alert.document], ensure_ascii=False)
    assert len(whole.encode()) < SNS_BYTES


@settings(deadline=None, max_examples=50)
@given(strategies.camera_ids, counts.filter(bool), zones, languages, st.booleans(), st.sampled_from(EventKind))
def test_every_closing_message_fits(
    camera: str,
    count: int,
    zone: ZoneInfo,
    language: Language,
    known: bool,  # noqa: FBT001 - drawn by hypothesis
    kind: EventKind,
) -> None:
    followed = held(count, camera, kind) + held(3, camera, EventKind.VEHICLE)
    facts = ClosingFacts(ThingName("yard-1"), CameraId(camera), followed, "123456", NOON if known else None, zone)
    text = render_closing(facts, language)
    assert_sns_takes(text, language)
    assert "123456" in text.sms
    document = json.loads(text.document)
    assert (document["purpose"], document["event_count"]) == ("closing", count + 3)
    assert document["event_ids"] == [one.event_id for one in followed]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(strategies.camera_ids, st.integers(1, 40)), min_size=1, max_size=30), zones, languages)
def test_every_digest_fits(cameras: list[tuple[str, int]], zone: ZoneInfo, language: Language) -> None:
    night = tuple(one for camera, count in cameras for one in held(count, camera))
    text = render_digest(DigestFacts(night, "123456", NOON, zone), language)
    assert_sns_takes(text, language)
    assert str(len(night)) in text.sms
    assert json.loads(text.document)["event_count"] == len(night)


def test_a_digest_of_ten_thousand_events_still_fits_into_what_sns_takes() -> None:
    text = render_digest(DigestFacts(held(10_000), "123456", NOON, UTC), EN)
    assert_sns_takes(text, EN)
    document = json.loads(text.document)
    assert (document["event_count"], len(document["event_ids"])) == (10_000, MOST_IN_DOCUMENT)


def test_a_closing_message_in_both_languages() -> None:
    followed = held(2) + held(1, kind=EventKind.VEHICLE)
    facts = ClosingFacts(ThingName("yard-1"), CameraId("gate"), followed, "123456", NOON, BERLIN)
    assert render_closing(facts, EN).sms == "gate: 3 more after alert 123456 of 13:00:00 CET (2 person, 1 vehicle)"
    assert render_closing(facts, ZH).sms == "gate：警报123456（13:00:00）之后另有3次：人员2，车辆1"
    assert render_closing(facts, EN).subject == "gate: 3 more after alert 123456"
    assert render_closing(facts, ZH).subject == "gate：警报123456之后另有3次"


@pytest.mark.parametrize("language", Language)
def test_a_digest_of_however_many_cameras_fits_into_what_sns_takes(language: Language) -> None:
    kinds = list(EventKind)
    night = tuple(
        replace(one, camera=CameraId(f"{number // 7:x<64}"), kind=kinds[number % 7])
        for number, one in enumerate(held(14_000))
    )
    text = render_digest(DigestFacts(night, "123456", NOON, UTC), language)
    whole = json.dumps({"default": text.email, "email": text.email, "https": text.document}, ensure_ascii=False)
    assert len(whole.encode()) < 256_000
    more = {Language.ENGLISH: "and 1900 more cameras", Language.CHINESE: "另有1900处"}
    assert more[language] in text.email
    document = json.loads(text.document)
    assert (len(document["cameras"]), document["camera_count"]) == (100, 2000)


def test_a_digest_in_both_languages() -> None:
    night = held(2) + held(1, "door")
    facts = DigestFacts(night, "123456", UtcNs(NOON - 6 * 3600 * NS_PER_S), BERLIN)
    assert render_digest(facts, EN).sms == "3 held until 07:00 CET by quiet hours: gate 2, door 1"
    assert render_digest(facts, ZH).sms == "免打扰时段（至07:00）共3次：gate 2，door 1"
    assert "gate: 2 (2 person)" in render_digest(facts, EN).email
    assert "gate：2次（人员2）" in render_digest(facts, ZH).email


def test_an_event_about_a_device_or_a_fleet_says_which() -> None:
    device = raised(kind=EventKind.DEVICE_LOST, camera_id=WHOLE_DEVICE)
    assert sms(device).startswith("yard-1: Device lost, ")
    assert "Where:     device yard-1" in render_alert(facts_of(device), EN).email
    assert sms(device, 0, ZH).startswith("yard-1：设备失联，")
    fleet = raised(kind=EventKind.FLEET_LOST, thing=WHOLE_FLEET, camera_id=WHOLE_DEVICE, label="12 of 14 devices")
    assert sms(fleet).startswith("12 of 14 devices: Many devices lost, ")
    assert "地点：12 of 14 devices" in render_alert(facts_of(fleet), ZH).email


@pytest.mark.parametrize("language", Language)
def test_a_mail_has_a_picture_only_where_pictures_are_on_and_says_if_it_has_not_arrived(language: Language) -> None:
    late, words = {EN: "had not arrived yet", ZH: "尚未上传"}[language], {EN: "60 minutes", ZH: "60分钟"}[language]
    without = render_alert(facts_of(raised()), language)
    there = render_alert(facts_of(raised(), picture=THERE), language)
    coming = render_alert(facts_of(raised(), picture=COMING), language)
    assert "https://" not in without.email
    assert THERE.url in there.email
    assert words in there.email
    assert late not in there.email
    assert late in coming.email
    assert COMING.url in coming.email
    assert not any("https://" in one.sms for one in (without, there, coming))
    assert json.loads(there.document)["picture"] == THERE.url


def test_a_mail_says_so_when_the_guard_has_withheld_the_sms() -> None:
    assert "today's limit of SMS is reached" in render_alert(facts_of(raised(), sms_withheld=True), EN).email
    assert "今日短信数量已用完" in render_alert(facts_of(raised(), sms_withheld=True), ZH).email


@pytest.mark.parametrize("language", Language)
def test_a_mail_lists_its_events_as_far_as_a_person_reads(language: Language) -> None:
    few = render_alert(facts_of(raised(), 3), language).email
    assert all(one.event_id in few for one in held(3))
    many = render_alert(facts_of(raised(), 200), language)
    assert sum(one.event_id in many.email for one in held(200)) == MOST_LISTED - 1
    assert str(201 - MOST_LISTED) in many.email
    assert len(json.loads(many.document)["event_ids"]) == 201


def test_an_email_tells_everything_that_the_event_knows() -> None:
    event = raised(
        zone="Einfahrt Süd",
        label="person",
        rule="night",
        cause="detected",
        model_name="ssd",
        model_version="1.0",
        suppressed=4,
        severity=Severity.CRITICAL,
    )
    alert = render_alert(facts_of(event, 2, BERLIN), EN)
    assert alert.email.splitlines() == [
        "gate: Person!",
        "",
        "Where:     camera gate on yard-1, zone Einfahrt Süd",
        "What:      Person! (severity critical, label person)",
        "When:      Sun 1 Mar 2026 12:59:59 CET",
        "UTC:       2026-03-01T11:59:59.500Z",
        "Why:       The model recognised it as person: the score of 0.91 reached the threshold of 0.50, model ssd 1.0",
        "Rule:      night",
        "On device: 4 more of the same raised no event of their own",
        "Held back: 2 (2 person) more since the last alert, by the cooldown",
        f"Alert:     {alert.number}",
        f"Event:     {event.event_id}",
        *(f"           {one.event_id}" for one in held(2)),
        "",
        "To silence: further alerts of this camera are held back for a while anyway. For quiet hours, filters or",
        "no more alerts at all, ask whoever keeps the list of subscribers, or use the link below to unsubscribe.",
    ]
    assert alert.subject == f"gate: Person!, 01 Mar 12:59:59 CET, alert {alert.number}"


@pytest.mark.parametrize(
    ("label", "english", "chinese"),
    [
        ("fast", "Something moves faster than anything seen here", "有物体移动得比此处以往所见都快"),
        ("nowhere", "Something is where nothing ever is", "有东西出现在从来没有东西的地方"),
        ("looks", "Something looks unlike anything here", "有东西看起来与此处以往所见都不同"),
        (
            "intruder",
            "The picture is unlike what this camera has learned as normal",
            "画面与该摄像头学到的正常情况不同",
        ),
    ],
)
def test_an_anomaly_says_in_words_why_and_not_in_a_label(label: str, english: str, chinese: str) -> None:
    event = raised(kind=EventKind.ANOMALY, cause="unusual", label=label)
    for language, words, named in ((EN, english, f"label {label}"), (ZH, chinese, f"标签{label}")):
        email = render_alert(facts_of(event, 0, BERLIN), language).email
        assert words in email
        assert (named in email) == (label == "intruder")


@pytest.mark.parametrize("kind", [EventKind.ANOMALY, EventKind.PERSON])
def test_what_the_learned_scene_says_of_an_event_has_a_line_of_its_own(kind: EventKind) -> None:
    event = raised(kind=kind, scene_score=0.625, scene_reason="nowhere")
    for language, line in (
        (EN, "Unusual:   Something is where nothing ever is: the score of what was learned here is 0.62"),
        (ZH, "异常：有东西出现在从来没有东西的地方，本处学习所得的得分为0.62"),
    ):
        alert = render_alert(facts_of(event, 0, BERLIN), language)
        assert line in alert.email.splitlines()
        document = json.loads(alert.document)
        assert (document["scene_score"], document["scene_reason"]) == (0.625, "nowhere")
        old = render_alert(facts_of(replace(event, scene_reason=None), 0, BERLIN), language)
        assert line.split(":")[0] not in old.email


def test_a_reason_of_a_newer_device_is_told_in_general_words() -> None:
    email = render_alert(facts_of(raised(scene_score=0.5, scene_reason="too quiet"), 0, BERLIN), EN).email
    assert "Unusual:   The picture is unlike what this camera has learned as normal: the score" in email


def test_an_email_in_chinese_tells_the_same() -> None:
    event = raised(
        zone="车道",
        label="person",
        rule="夜间",
        cause="detected",
        model_name="ssd",
        model_version="1.0",
        severity=Severity.CRITICAL,
    )
    alert = render_alert(facts_of(event, 2, ZoneInfo("Asia/Shanghai")), ZH)
    assert alert.email.splitlines()[:12] == [
        "gate：人员！",
        "",
        "地点：yard-1的摄像头gate，区域车道",
        "内容：人员！（严重，标签person）",
        "时间：2026年3月1日 星期日 19:59:59 CST",
        "UTC：2026-03-01T11:59:59.500Z",
        "原因：模型识别为人员，得分0.91达到阈值0.50，模型ssd 1.0",
        "规则：夜间",
        "已合并：上次警报之后另有2次（人员2）",
        f"警报：{alert.number}",
        f"事件：{event.event_id}",
        f"事件：{held(2)[0].event_id}",
    ]
    assert alert.subject == f"gate：人员！，3月1日19:59:59，警报{alert.number}"


def test_machines_get_the_same_as_json() -> None:
    document = json.loads(render_alert(facts_of(raised(zone="drive", rule="night", cause="detected"), 1), EN).document)
    assert document == {
        "schema": 1,
        "purpose": "alert",
        "alert_number": alert_number(raised().event_id),
        "event_count": 2,
        "event_ids": [raised().event_id, held(1)[0].event_id],
        "thing": "yard-1",
        "camera_id": "gate",
        "kind": "person",
        "severity": "warning",
        "at": "2026-03-01T11:59:59.500Z",
        "time_certain": True,
        "zone": "drive",
        "rule": "night",
        "cause": "detected",
        "score": 0.91,
        "threshold": 0.5,
    }


def test_a_text_has_a_purpose() -> None:
    assert render_alert(facts_of(raised()), EN).purpose is Purpose.ALERT


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
    facts = facts_of(event, when=occasion(event, arrived_at))
    moment = datetime.fromtimestamp(facts.when.at // NS_PER_S, UTC)
    for language in Language:
        alert = render_alert(facts, language)
        assert_sns_takes(alert, language)
        assert f"{moment:%H:%M:%S}" in alert.email
