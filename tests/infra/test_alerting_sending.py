"""How one message goes out: its turn, its SMS, what a failure leaves behind, and what stands beside the text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from infra.alerts.runtime.audience import Audience, Group
from infra.alerts.runtime.facts import PictureLink
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import NotPublished, SmsRequest
from infra.alerts.runtime.sending import GroupSender, next_try
from infra.alerts.runtime.turns import SPARE_NS, STEP_NS
from infra.alerts.runtime.words.render import AlertText, Purpose
from smartcam.contract.event import EventKind, Severity
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import FakeLimits, FakeMeter, FakeTimers, FakeTroubles, FakeTurns
from tests.infra.sample import NOON, Now, raised
from tests.infra.world import EVERYONE, Cloud, FakePictures

TEXT = AlertText(Purpose.ALERT, "A-1", "subject", "email", "sms", "{}")


def after(seconds: float) -> UtcNs:
    return UtcNs(NOON + round(seconds * NS_PER_S))


@dataclass
class Topic:
    """An SNS topic that fails where `failure` says so."""

    failure: NotPublished | None = None
    sent: list[tuple[str, AlertText, Mapping[str, str], bool]] = field(default_factory=list)

    def publish(self, group: Group, alert: AlertText, facts: Mapping[str, str], *, texts: bool) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append((group.name, alert, facts, texts))


@dataclass
class Post:
    """A sender with all that it needs."""

    topic: Topic = field(default_factory=Topic)
    limits: FakeLimits = field(default_factory=FakeLimits)
    meter: FakeMeter = field(default_factory=FakeMeter)
    turns: FakeTurns = field(default_factory=FakeTurns)
    timers: FakeTimers = field(default_factory=FakeTimers)
    troubles: FakeTroubles = field(default_factory=FakeTroubles)
    now: Now = field(default_factory=Now)

    def __post_init__(self) -> None:
        self.sender = GroupSender(self.limits, self.turns, self.timers, self.topic, self.meter, self.troubles, self.now)

    def texts(self, group: Group = EVERYONE, *, critical: bool = False) -> SmsRequest | None:
        return self.sender.texts(group, "yard-1", critical=critical)


def test_pauses_double_from_five_seconds_to_a_minute() -> None:
    pauses = [(next_try(tries, NOON) - NOON) // NS_PER_S for tries in range(10)]
    assert pauses == [5, 10, 20, 40, 60, 60, 60, 60, 60, 60]
    assert next_try(10**6, NOON) == after(60)


def test_a_few_turns_may_be_taken_at_once_and_then_one_every_half_second() -> None:
    post = Post()
    assert [post.sender.has_turn(EVERYONE) for _ in range(7)] == [True] * (SPARE_NS // STEP_NS + 1) + [False] * 2
    post.now.advance(0.5)
    assert [post.sender.has_turn(EVERYONE) for _ in range(2)] == [True, False]


def test_a_group_without_mailboxes_needs_no_turn() -> None:
    post = Post()
    assert all(post.sender.has_turn(Group("machines", "arn:machines", phones=3)) for _ in range(100))
    assert post.turns.free_at == {}


def test_what_is_sent_is_counted_with_its_sms() -> None:
    post, family = Post(), Group("family", "arn:family", emails=1, phones=3)
    post.sender.publish(family, TEXT, {"thing": "yard-1"}, SmsRequest(3, "yard-1", critical=False))
    post.sender.publish(family, TEXT, {}, None)
    assert post.topic.sent == [("family", TEXT, {"thing": "yard-1"}, True), ("family", TEXT, {}, False)]
    assert post.meter.counted == {Metric.ALERTS_SENT: 2, Metric.SMS_SENT: 3}


def test_what_certainly_was_not_sent_is_counted_named_and_costs_no_sms(caplog: pytest.LogCaptureFixture) -> None:
    post = Post(Topic(NotPublished("no route")))
    texts = post.texts()
    assert texts is not None
    with pytest.raises(NotPublished, match="no route"):
        post.sender.publish(EVERYONE, TEXT, {}, texts)
    assert post.limits.used.total() == 0
    assert post.meter.counted == {Metric.PUBLISH_FAILED: 1, Metric.ALERTS_DOUBTFUL: 0}
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "publish_failed group=everyone alert=A-1 error=no route")


def test_what_may_have_been_sent_keeps_its_sms_and_is_counted_as_doubtful() -> None:
    post = Post(Topic(NotPublished("timed out", doubtful=True)))
    texts = post.texts()
    with pytest.raises(NotPublished):
        post.sender.publish(EVERYONE, TEXT, {}, texts)
    assert set(post.limits.used.values()) == {1}
    assert post.meter.counted[Metric.ALERTS_DOUBTFUL] == 1


def test_a_mail_that_fails_gives_back_no_sms() -> None:
    post = Post(Topic(NotPublished("no route")))
    with pytest.raises(NotPublished):
        post.sender.publish(EVERYONE, TEXT, {}, None)
    assert post.limits.used.total() == 0


def test_sms_that_are_withheld_are_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    post, family = Post(limits=FakeLimits(texts_per_day=2)), Group("family", "arn:family", phones=3)
    assert post.texts(family) is None
    assert post.meter.counted == {Metric.SMS_WITHHELD: 3}
    assert [record.message for record in caplog.records] == ["sms_withheld group=family thing=yard-1 phones=3"]


def test_a_group_without_phones_asks_for_no_sms() -> None:
    post = Post()
    assert post.texts(Group("mail", "arn:mail", emails=1)) is None
    assert post.limits.used.total() == 0
    assert post.meter.counted == {}


def test_an_alert_carries_the_facts_by_which_subscribers_filter() -> None:
    cloud = Cloud(0)
    cloud.deliver(raised(kind=EventKind.VEHICLE, severity=Severity.CRITICAL))
    [alert] = cloud.notifier.published
    assert alert.facts == {
        "event_id": raised().event_id,
        "thing": "yard-1",
        "camera_id": "gate",
        "kind": "vehicle",
        "severity": "critical",
    }


def test_an_alert_shows_the_time_on_the_wall_beside_its_camera() -> None:
    cloud = Cloud(0, Audience((EVERYONE,), zones={"yard-1/gate": ZoneInfo("Asia/Shanghai")}))
    cloud.deliver(raised())
    assert "19:59:59" in cloud.notifier.published[0].alert.email


def test_an_alert_links_to_its_picture() -> None:
    cloud = Cloud(0, pictures=FakePictures(PictureLink("https://example.org/p.jpg", arrived=True, valid_s=3600)))
    cloud.deliver(raised())
    assert "https://example.org/p.jpg" in cloud.notifier.published[0].alert.email


def test_an_alert_links_to_its_clip_where_its_device_sends_clips() -> None:
    coming = PictureLink("https://example.org/c.mp4", arrived=False, valid_s=3600)
    cloud = Cloud(0, pictures=FakePictures(recording=coming))
    cloud.deliver(raised(clip_object="clips/yard-1/gate/c.mp4"))
    cloud.deliver(raised(2))
    first, second = (one.alert for one in cloud.notifier.published)
    assert coming.url in first.email
    assert json.loads(first.document)["clip"] == coming.url
    assert "c.mp4" not in second.email


def test_only_who_has_phones_reads_that_no_sms_went_out() -> None:
    mail_only = Group("mail", "arn:mail", emails=1)
    for group, said in ((mail_only, False), (EVERYONE, True)):
        cloud = Cloud(0, Audience((group,)), limits=FakeLimits(texts_per_day=0))
        cloud.deliver(raised())
        assert ("limit of SMS is reached" in cloud.notifier.published[0].alert.email) is said


def test_an_alert_does_not_count_itself_among_what_was_held_back() -> None:
    cloud = Cloud(300)
    cloud.deliver(raised(1))
    cloud.deliver(raised(2))
    cloud.now.advance(300)
    cloud.deliver(raised(2, revision=1, severity=Severity.CRITICAL))
    alert = cloud.notifier.published[-1].alert
    assert "more before" not in alert.sms
    assert alert.document.count(raised(2).event_id) == 1
