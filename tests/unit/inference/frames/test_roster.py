"""Who has a place: the configured cameras, always, and a bounded number of others."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ids import MOST_CAMERAS_OF_A_DEVICE, CameraId
from smartcam.inference.frames.roster import ABSENT_S, MOST_UNCONFIGURED, CameraRoster
from tests.fakes.clock import FakeClock

YARD, GATE = CameraId("yard"), CameraId("gate")


def named(count: int, prefix: str = "c") -> list[CameraId]:
    return [CameraId(f"{prefix}{number}") for number in range(count)]


def full(clock: FakeClock) -> CameraRoster:
    roster = CameraRoster(clock)
    assert all(roster.takes(camera) for camera in named(MOST_UNCONFIGURED))
    return roster


def test_without_a_configuration_the_first_sixteen_that_are_announced_have_places() -> None:
    roster = CameraRoster(FakeClock())
    assert [roster.takes(camera) for camera in named(600)] == [True] * 16 + [False] * 584
    assert [roster.holds(camera) for camera in named(600)] == [True] * 16 + [False] * 584
    assert [roster.takes(camera) for camera in named(16)] == [True] * 16
    assert roster.turned_away == 584


def test_a_configured_camera_has_a_place_however_many_came_before_it() -> None:
    roster = full(FakeClock())
    assert not roster.takes(YARD)
    roster.configure([YARD])
    assert roster.takes(YARD)
    assert roster.left_out == 0


def test_a_camera_without_an_entry_has_a_place_beside_the_configured_ones() -> None:
    roster = CameraRoster(FakeClock())
    roster.configure([YARD])
    assert roster.takes(GATE)
    assert roster.released() == []


def test_a_camera_that_leaves_the_configuration_frees_its_place_and_comes_back_as_one_of_the_others() -> None:
    roster = CameraRoster(FakeClock())
    roster.configure([YARD, GATE])
    roster.configure([GATE])
    assert roster.released() == [YARD]
    assert roster.released() == []
    assert not roster.holds(YARD)
    assert roster.takes(YARD)


def test_a_camera_that_is_configured_later_keeps_what_is_known_of_it_and_frees_its_other_place() -> None:
    roster = full(FakeClock())
    roster.configure([CameraId("c3")])
    assert roster.released() == []
    assert roster.takes(YARD)


def test_where_the_configuration_fills_the_device_nobody_else_has_a_place() -> None:
    roster = full(FakeClock())
    roster.configure(named(60, "mine"))
    assert len(roster.released()) == 12
    assert [roster.takes(camera) for camera in named(16)] == [True] * 4 + [False] * 12
    roster.configure(named(MOST_CAMERAS_OF_A_DEVICE, "mine"))
    assert not roster.takes(CameraId("c0"))


def test_a_newcomer_gets_the_place_of_one_that_nobody_has_heard_of_for_a_day() -> None:
    clock = FakeClock()
    roster = full(clock)
    clock.advance(ABSENT_S - 1)
    assert all(roster.takes(camera) for camera in named(MOST_UNCONFIGURED) if camera != "c7")
    assert not roster.takes(YARD)
    clock.advance(1)
    assert roster.takes(YARD)
    assert roster.released() == ["c7"]
    assert not roster.takes(CameraId("c7"))


def test_who_is_left_out_is_counted_as_long_as_it_is_heard_of_and_in_bounds() -> None:
    clock = FakeClock()
    roster = full(clock)
    for camera in (YARD, GATE, YARD):
        roster.takes(camera)
    assert roster.left_out == 2
    clock.advance(3601)
    assert roster.left_out == 0
    roster.takes(YARD)
    assert roster.left_out == 1
    for camera in named(5000, "x"):
        roster.takes(camera)
    assert roster.left_out == 256


def test_who_is_left_out_is_logged_once_a_minute_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    roster = full(clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(600):
            roster.takes(YARD)
            clock.advance(0.2)
    assert caplog.text.count("camera_left_out") == 2
    assert "name it in `cameras`" in caplog.text


@given(
    st.lists(
        st.tuples(st.just("heard"), st.integers(0, 99).map(lambda number: [f"c{number}"]))
        | st.tuples(
            st.just("configured"), st.lists(st.integers(0, 99).map(lambda n: f"c{n}"), max_size=64, unique=True)
        )
        | st.tuples(st.just("later"), st.just(["80000"])),
        max_size=60,
    )
)
def test_whatever_happens_places_are_bounded_and_every_loss_is_told(steps: list[tuple[str, list[str]]]) -> None:
    clock = FakeClock()
    roster = CameraRoster(clock)
    everybody, kept, configured = named(100), set[CameraId](), set[str]()
    for what, values in steps:
        if what == "heard":
            camera = CameraId(values[0])
            if roster.takes(camera):
                kept.add(camera)
            else:
                assert camera not in configured
        elif what == "configured":
            configured = set(values)
            roster.configure([CameraId(value) for value in values])
            kept |= {CameraId(value) for value in values}
        else:
            clock.advance(int(values[0]))
        held = {camera for camera in everybody if roster.holds(camera)}
        kept -= set(roster.released()) - held
        assert kept == held
        assert len(held) <= MOST_CAMERAS_OF_A_DEVICE
        assert len(held - configured) <= MOST_UNCONFIGURED
        assert configured <= held
