import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.alerts.runtime.ports import SmsRequest
from infra.site import KeyKind, MonitoringKind, SiteSettings
from infra.subscribers import SubscriberGroup
from smartcam.contract.errors import SettingsError
from tests.fakes.aws import FakeLimits
from tests.infra.sample import NOON


def test_a_home_that_says_nothing_pays_for_no_metric_no_key_and_reserves_nothing() -> None:
    site = SiteSettings.from_context({})
    assert site == SiteSettings.from_context({"monitoring": "", "key": None, "reserved_concurrency": ""})
    assert (site.monitoring, site.key, site.reserved_concurrency) == (MonitoringKind.PLAIN, KeyKind.AWS, None)
    assert (site.sms_a_day, site.sms_a_day_per_thing) == (50, 20)


@pytest.mark.parametrize(
    ("given", "reserved"), [("off", None), ("on", 10), ("ON", 10), (True, 10), (False, None), ("5", 5), (1000, 1000)]
)
def test_reserved_concurrency_is_off_or_on_or_a_number(given: object, reserved: int | None) -> None:
    assert SiteSettings.from_context({"reserved_concurrency": given}).reserved_concurrency == reserved


def test_what_costs_more_is_chosen_by_a_word() -> None:
    site = SiteSettings.from_context({"monitoring": "full", "key": "own", "sms_a_day_per_thing": "0"})
    assert (site.monitoring, site.key, site.sms_a_day_per_thing) == (MonitoringKind.FULL, KeyKind.OWN, 0)


def family(phones: int) -> tuple[SubscriberGroup, ...]:
    numbers = tuple(f"+4915112345{number:03}" for number in range(phones))
    return (SubscriberGroup("neighbours", phones=("+4915112345678",)), SubscriberGroup("family", phones=numbers))


@pytest.mark.parametrize(
    ("phones", "context", "key", "least"),
    [
        (17, {}, "sms_a_day_per_thing", 21),
        (41, {"sms_a_day_per_thing": "100"}, "sms_a_day", 51),
        (2, {"sms_a_day_per_thing": "1"}, "sms_a_day_per_thing", 2),
    ],
)
def test_a_group_whose_ordinary_alerts_could_never_go_by_sms_is_refused_with_what_would_do(
    phones: int, context: dict[str, str], key: str, least: int
) -> None:
    with pytest.raises(SettingsError) as refusal:
        SiteSettings.from_context(context).require_room_for(family(phones))
    assert refusal.value.key == key
    assert f"group family has {phones} phones" in str(refusal.value)
    assert f"at least {least}," in str(refusal.value)
    SiteSettings.from_context({"sms_a_day": "100", **context, key: str(least)}).require_room_for(family(phones))


@pytest.mark.parametrize("context", [{"sms_a_day": "0"}, {"sms_a_day_per_thing": "0"}, {"sms_a_day": 0, "key": "own"}])
def test_who_wants_no_sms_at_all_may_have_as_many_phones_as_there_are(context: dict[str, object]) -> None:
    SiteSettings.from_context(context).require_room_for(family(100))


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_what_is_not_refused_sends_the_sms_of_a_calm_days_first_alert(phones: int, a_day: int, per_thing: int) -> None:
    site = SiteSettings(sms_a_day=a_day, sms_a_day_per_thing=per_thing)
    text = SmsRequest(phones, "yard-1", critical=False)
    may = FakeLimits(a_day, per_thing).may_text(text, NOON).allowed
    try:
        site.require_room_for(family(phones))
    except SettingsError:
        assert not may
    else:
        assert may
