"""How old a row is, as far as two clocks can tell, and from when on it is too old."""

import pytest

from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.outbox.sql import Stamp, age_limits

NOON_S = 1_772_366_400


def stamp(boot: str = "a", mono_s: float = 0, utc_s: float = 0, *, synced: bool = True) -> Stamp:
    return Stamp(boot, MonotonicNs(round(mono_s * NS_PER_S)), UtcNs(round((NOON_S + utc_s) * NS_PER_S)), synced)


def test_within_a_boot_the_age_is_monotonic_time_whatever_utc_says() -> None:
    assert stamp(mono_s=5).age_ns(stamp(mono_s=7, utc_s=-9999, synced=False)) == 2 * NS_PER_S
    assert stamp(mono_s=5).age_ns(stamp(mono_s=5)) == 0


def test_an_age_is_never_negative() -> None:
    assert stamp(mono_s=5).age_ns(stamp(mono_s=4)) == 0
    assert stamp("a", utc_s=5).age_ns(stamp("b", utc_s=4)) == 0


def test_across_boots_the_age_is_the_difference_of_two_trusted_clocks() -> None:
    assert stamp("a", 50, utc_s=5).age_ns(stamp("b", 1, utc_s=25)) == 20 * NS_PER_S


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True), (False, False)])
def test_across_boots_one_untrusted_clock_is_enough_to_know_nothing(*, before: bool, after: bool) -> None:
    assert stamp("a", synced=before).age_ns(stamp("b", utc_s=20, synced=after)) is None


def test_a_clock_may_be_set_back_by_a_minute_across_boots_and_no_more() -> None:
    assert stamp("a").age_ns(stamp("b", utc_s=-60)) == 0
    assert stamp("a").age_ns(stamp("b", utc_s=-60.001)) is None


def test_rows_of_this_boot_are_too_old_by_monotonic_time_and_others_by_utc() -> None:
    now = stamp("a", 500, utc_s=7)
    limits = age_limits(now, max_age_s=100)
    assert limits == ("a", 400 * NS_PER_S, "a", (NOON_S - 93) * NS_PER_S)


def test_by_an_untrusted_clock_no_row_of_another_boot_is_too_old() -> None:
    *_, oldest_utc = age_limits(stamp("a", 500, utc_s=10**9, synced=False), max_age_s=100)
    assert oldest_utc < 0
