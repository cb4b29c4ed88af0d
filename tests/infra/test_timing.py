import pytest

from infra.alerts.runtime.timing import Occasion, is_stale, occasion
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests.infra.sample import NOON, raised

STARTED = UtcNs(NOON - NS_PER_S // 2)
VALID_S = 600
EVENT = raised(started_at=STARTED, expires_at=UtcNs(STARTED + VALID_S * NS_PER_S))


def after(seconds: float) -> UtcNs:
    return UtcNs(NOON + round(seconds * NS_PER_S))


def test_an_event_is_stale_once_its_age_is_over_its_validity() -> None:
    assert not is_stale(raised(age_ms=3_600_500, expires_at=after(3600)), NOON, NOON)
    assert is_stale(raised(age_ms=3_600_501, expires_at=after(3600)), NOON, NOON)


def test_what_passes_between_arrival_and_decision_counts_as_age() -> None:
    assert not is_stale(EVENT, NOON, after(VALID_S - 0.5))
    assert is_stale(EVENT, NOON, after(VALID_S - 0.499))


def test_an_arrival_ahead_of_the_clock_makes_no_event_younger() -> None:
    event = raised(age_ms=VALID_S * 1000 + 1, started_at=STARTED, expires_at=EVENT.expires_at)
    assert is_stale(event, after(3600), NOON)


def test_an_event_of_unknown_age_is_never_stale() -> None:
    assert not is_stale(raised(age_ms=None), NOON, after(10**9))


def test_a_trusted_clock_says_when_it_happened() -> None:
    assert occasion(raised(started_at=STARTED), after(77)) == Occasion(STARTED, certain=True)


def test_an_untrusted_clock_is_replaced_by_the_arrival_minus_the_age() -> None:
    event = raised(started_at=STARTED, clock_synced=False, age_ms=1500)
    assert occasion(event, NOON) == Occasion(UtcNs(NOON - 1500 * NS_PER_MS), certain=True)


def test_nothing_happened_before_the_epoch() -> None:
    assert occasion(raised(clock_synced=False, age_ms=10), UtcNs(0)) == Occasion(UtcNs(0), certain=True)


@pytest.mark.parametrize("synced", [True, False])
def test_without_an_age_the_time_is_the_devices_and_uncertain(*, synced: bool) -> None:
    event = raised(started_at=STARTED, age_ms=None, clock_synced=synced)
    assert occasion(event, after(77)) == Occasion(STARTED, certain=False)
