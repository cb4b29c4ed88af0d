import pytest

from infra.site import KeyKind, MonitoringKind, SiteSettings


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
