from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from measure import probe
from measure.tampering import HARMLESS, TAMPERINGS, Tampering, WatchResult, row, sampled, try_out
from smartcam.capture.frame_selector import FrameSelector
from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraEnded
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.memory import pack_planes
from smartcam.vision.shrink import Shrinker
from smartcam.vision.tamper import ALL_WELL, Cause, Doubt, TamperReport, TamperWatch
from smartcam.vision.visibility import Visibility

Grey = NDArray[np.uint8]
DATA = Path(__file__).parents[3].parent / "shared/data"
CLIPS = sorted((DATA / "video").glob("*.mp4"))
HOURS = sorted((DATA / "upcam/train").glob("*.mp4"))
FPS = 2.0


def room(seed: int = 1, size: tuple[int, int] = (160, 120)) -> Grey:
    return np.asarray(cv2.resize(probe.background(seed), size, interpolation=cv2.INTER_AREA), np.uint8)


def noisy(pictures: Iterable[Grey], seed: int = 0) -> Iterator[Grey]:
    rng = np.random.default_rng(seed)
    for grey in pictures:
        yield np.asarray(np.clip(grey + rng.standard_normal(grey.shape, np.float32) * 2, 0, 255), np.uint8)


class Timeline:
    """A watch that is shown two pictures a second."""

    def __init__(self, watch: TamperWatch | None = None) -> None:
        self.watch = watch or TamperWatch()
        self.at_s = 100.0

    def show(self, picture: Grey, seconds: float, *, still: bool = False) -> TamperReport:
        """The last report; the pictures have noise unless they are to be the very same."""
        pictures = [picture] * round(seconds * FPS)
        for shown in pictures if still else noisy(pictures, seed=round(self.at_s)):
            self.at_s += 1 / FPS
            report = self.watch.update(shown, MonotonicNs(round(self.at_s * NS_PER_S)))
        return report


def settled(picture: Grey) -> Timeline:
    timeline = Timeline()
    timeline.show(picture, 20)
    return timeline


@cache
def sampled_clip(path: Path, fps: float) -> list[Grey]:
    return sampled(path, fps)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.name)
@pytest.mark.parametrize("seed", [1, 2])
def test_tampering_with_a_made_up_scene_is_raised_in_time(tampering: Tampering, seed: int) -> None:
    outcome = try_out([room(seed)], tampering, 2.5)
    assert outcome.is_right(tampering), outcome


@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda each: each.name)
def test_nothing_is_raised_in_a_made_up_scene_when(harmless: Tampering) -> None:
    outcome = try_out([room(3)], harmless, 2.5)
    assert outcome.is_right(harmless), outcome


def test_a_case_that_goes_wrong_is_reported() -> None:
    black = next(each for each in TAMPERINGS if each.name == "black")
    good, late = WatchResult(Cause.BLACK, 1.2, too_early=False), WatchResult(Cause.BLACK, 2.4, too_early=False)
    line = row(black, [good, good])
    assert "within 2 s" in line
    assert line.endswith("raised 2 of 2   median 1.2, most 1.2")
    assert row(black, [good, late, WatchResult(None, None, too_early=False)]).endswith("most 2.4   2 WRONG")


@pytest.mark.skipif(not CLIPS, reason=f"no footage at {DATA}")
@pytest.mark.parametrize("tampering", [*TAMPERINGS, *HARMLESS], ids=lambda each: each.name)
def test_what_is_done_to_real_footage_is_raised_in_time_and_what_is_harmless_is_not(tampering: Tampering) -> None:
    wrong = {}
    for path in CLIPS:
        outcome = try_out(sampled_clip(path, 2.5), tampering, 2.5)
        if not outcome.is_right(tampering):
            wrong[path.stem] = outcome
    assert not wrong


@pytest.mark.skipif(not CLIPS, reason=f"no footage at {DATA}")
@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.name)
def test_tampering_is_raised_in_time_at_the_pace_of_a_still_scene_too(tampering: Tampering) -> None:
    # The previews are left out: of three seconds, one picture a second shows three different scenes.
    wrong = {}
    for path in CLIPS:
        clip = sampled_clip(path, 1.0)
        if len(clip) > 20 and not (outcome := try_out(clip, tampering, 1.0)).is_right(tampering):
            wrong[path.stem] = outcome
    assert not wrong


def alarms(path: Path, fps: float = 5.0) -> list[tuple[float, str]]:
    """When the watch raised what, on the frames that capture would announce."""
    clip, watch = open_clip(path), TamperWatch()
    selector = FrameSelector(SourceSettings(CameraId("cam"), path), clip.frames_per_second or fps)
    last, raised = None, []
    try:
        while True:
            taken = clip.next()
            seen = selector.select(taken.picture, taken.position_ns)
            if seen.picture is not None:
                cause = watch.update(seen.picture.luma, MonotonicNs(NS_PER_S + taken.position_ns)).cause
                if cause is not None and cause is not last:
                    raised.append((taken.position_ns / NS_PER_S, str(cause)))
                last = cause
    except CameraEnded:
        return raised
    finally:
        clip.close()


@pytest.mark.skipif(not CLIPS, reason=f"no footage at {DATA}")
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_clean_footage_raises_nothing(path: Path) -> None:
    assert alarms(path) == []


@pytest.mark.skipif(not HOURS, reason=f"no footage at {DATA}")
def test_the_hour_in_which_infrared_gives_way_to_daylight_raises_nothing() -> None:
    assert alarms(DATA / "upcam/train/05-07.mp4") == []


@pytest.mark.soak
@pytest.mark.skipif(not HOURS, reason=f"no footage at {DATA}")
@pytest.mark.parametrize("path", HOURS, ids=lambda path: path.stem)
def test_no_hour_of_a_lived_in_room_raises_anything(path: Path) -> None:
    assert alarms(path) == []


@pytest.mark.parametrize(("level", "cause"), [(16, Cause.BLACK), (120, Cause.COVERED), (250, Cause.GLARE)])
def test_an_alarm_is_over_when_the_view_is_back(level: int, cause: Cause) -> None:
    timeline = settled(room())
    assert timeline.show(np.full((120, 160), level, np.uint8), 3).cause is cause
    assert timeline.show(room(), 5) == ALL_WELL


def test_a_picture_that_moves_again_ends_the_alarm_of_a_frozen_one() -> None:
    timeline = settled(room())
    assert timeline.show(room(), 5, still=True).cause is None
    assert timeline.show(room(), 4, still=True).cause is Cause.FROZEN
    assert timeline.show(room(), 4).cause is None


def test_a_camera_that_paused_is_not_frozen_where_it_goes_on_with_the_same_picture() -> None:
    timeline = settled(room())
    assert timeline.show(room(), 3, still=True).cause is None
    timeline.at_s += 12
    assert timeline.show(room(), 4, still=True).cause is None
    assert timeline.show(room(), 4, still=True).cause is Cause.FROZEN


def test_a_camera_of_which_a_picture_comes_every_minute_is_frozen_too_where_it_never_changes() -> None:
    timeline = settled(room())
    for _ in range(4):
        timeline.at_s += 60
        cause = timeline.show(room(), 1 / FPS, still=True).cause
    assert cause is Cause.FROZEN


def test_a_black_picture_that_never_changes_is_night_and_not_frozen() -> None:
    timeline = Timeline()
    report = timeline.show(np.full((120, 160), 16, np.uint8), 60, still=True)
    assert report == TamperReport(None, 0.0, Visibility.DARK)


def test_another_view_is_accepted_and_counted_after_ten_minutes() -> None:
    timeline = settled(room(1))
    assert timeline.show(room(2), 20).cause is Cause.MOVED
    assert timeline.show(room(2), 550).cause is Cause.MOVED
    assert timeline.watch.views == 0
    assert timeline.show(room(2), 60).cause is None
    assert timeline.watch.views == 1
    assert timeline.show(room(1), 20).cause is Cause.MOVED


def test_a_lens_that_stays_covered_is_reported_for_as_long_as_it_lasts() -> None:
    timeline = settled(room())
    cover = np.full((120, 160), 90, np.uint8)
    assert timeline.show(cover, 3).cause is Cause.COVERED
    assert timeline.show(cover, 700).cause is Cause.COVERED
    assert timeline.watch.views == 0


def test_what_happened_while_nobody_looked_is_noticed() -> None:
    timeline = settled(room(1))
    timeline.at_s += 600
    assert timeline.show(room(2), 12).cause is Cause.MOVED


def test_what_a_detector_can_see_is_reported() -> None:
    timeline = settled(room())
    assert timeline.show(room(), 1).visibility is Visibility.CLEAR
    blurred = np.asarray(cv2.GaussianBlur(room(), (0, 0), 4), np.uint8)
    assert timeline.show(blurred, 1).visibility is Visibility.DEFOCUSED
    assert settled(room()).show(np.full((120, 160), 200, np.uint8), 1).visibility is Visibility.BLIND
    night = np.asarray(16 + room() // 12, np.uint8)
    assert settled(night).show(night, 1).visibility is Visibility.DARK


def test_a_watch_that_remembers_knows_a_lens_that_was_covered_while_it_was_away() -> None:
    earlier = settled(room())
    later = TamperWatch()
    assert later.recall(earlier.watch.remember())
    assert Timeline(later).show(np.full((120, 160), 90, np.uint8), 6).cause is Cause.COVERED
    fresh = TamperWatch()
    fresh.recall(earlier.watch.remember())
    assert Timeline(fresh).show(room(), 10) == ALL_WELL


def test_an_alarm_that_is_held_goes_on_until_the_view_is_good() -> None:
    earlier = settled(room())
    later = TamperWatch()
    later.recall(earlier.watch.remember())
    later.resume(Cause.COVERED)
    timeline = Timeline(later)
    assert timeline.show(np.full((120, 160), 90, np.uint8), 0.5).cause is Cause.COVERED
    assert timeline.show(room(), 6).cause is None


@given(st.binary(max_size=200))
def test_a_memory_that_is_none_is_refused(memory: bytes) -> None:
    assert not TamperWatch().recall(memory)


def test_a_memory_of_another_size_is_refused() -> None:
    memory = settled(room()).watch.remember()
    assert not TamperWatch().recall(memory[:-1])
    assert TamperWatch().remember() == b""


def test_a_picture_of_another_size_starts_the_watch_afresh() -> None:
    timeline = settled(room())
    assert timeline.show(room(2, (640, 480)), 20) == ALL_WELL


@settings(max_examples=15)
@example(half_width=13, half_height=17, level=113)  # phase correlation found a shift larger than the picture
@given(half_width=st.integers(1, 90), half_height=st.integers(1, 90), level=st.integers(0, 255))
def test_pictures_of_any_size_and_content_can_be_looked_at(half_width: int, half_height: int, level: int) -> None:
    rng = np.random.default_rng(level)
    watch = TamperWatch()
    for second in range(12):
        picture = rng.integers(0, 256, (2 * half_height, 2 * half_width), dtype=np.uint8)
        if second % 3:
            picture[:] = level
        report = watch.update(picture, MonotonicNs(second * NS_PER_S))
        assert 0 <= report.score <= 1


shares = st.lists(st.floats(0, 1), min_size=2, max_size=40)
seconds = st.floats(0.4, 2.0)


def doubt_after(lost: Iterable[float], elapsed_s: float) -> tuple[float, bool]:
    """The doubt in the end, and whether an alarm was due at any time."""
    doubt, due = Doubt(), False
    for share in lost:
        due |= doubt.add(share, elapsed_s)
    return doubt.level, due


@given(shares, st.lists(st.floats(0, 1), min_size=40, max_size=40), seconds)
def test_the_more_is_lost_the_greater_the_doubt(lost: list[float], more: list[float], elapsed_s: float) -> None:
    worse = [share + (1 - share) * extra for share, extra in zip(lost, more, strict=False)]
    level, due = doubt_after(lost, elapsed_s)
    greater, due_then = doubt_after(worse, elapsed_s)
    assert greater >= level - 1e-12
    assert due_then or not due


@given(st.lists(st.booleans(), max_size=60), seconds)
def test_pictures_of_which_no_two_follow_one_another_prove_nothing(are_lost: list[bool], elapsed_s: float) -> None:
    apart = [1.0 if is_lost and not (i and are_lost[i - 1]) else 0.0 for i, is_lost in enumerate(are_lost)]
    single = [share if not i or not apart[i - 1] else 0.0 for i, share in enumerate(apart)]
    assert doubt_after(single, elapsed_s) == (0.0, False)


@given(shares, seconds)
def test_doubt_is_forgotten_when_the_view_is_back(lost: list[float], elapsed_s: float) -> None:
    level, _ = doubt_after([*lost, *[0.0] * round(10 / elapsed_s + 1)], elapsed_s)
    assert level < 0.15


@given(st.floats(0, 1), st.floats(1, 30), st.floats(1, 30))
def test_doubt_depends_on_time_and_not_on_the_number_of_pictures(lost: float, rate: float, other: float) -> None:
    levels = [doubt_after([lost] * (round(6 * each) + 1), 6 / round(6 * each))[0] for each in (rate, other)]
    assert levels[0] == pytest.approx(levels[1])


@pytest.mark.parametrize("lost", [0.0, 0.3, 0.5])
def test_half_of_the_view_can_be_lost_for_ever(lost: float) -> None:
    assert not doubt_after([lost] * 1000, 0.5)[1]


@pytest.mark.parametrize(("lost", "within_s"), [(0.6, 4.5), (0.8, 2.0), (1.0, 1.0)])
def test_the_more_is_lost_the_sooner_an_alarm_is_due(lost: float, within_s: float) -> None:
    assert doubt_after([lost] * (round(within_s / 0.1) + 1), 0.1)[1]
    assert not doubt_after([lost] * (round(0.75 * within_s / 0.1) + 1), 0.1)[1]


@pytest.mark.parametrize("fps", [1.0, 2.0, 5.0, 12.5, 30.0])
def test_a_cover_is_raised_at_any_rate_of_pictures_and_one_bad_picture_never_is(fps: float) -> None:
    watch, cover = TamperWatch(), np.full((120, 160), 90, np.uint8)
    scenes = [*[room()] * round(8 * fps), cover, *[room()] * round(8 * fps), *[cover] * round(4 * fps)]
    raised = []
    for number, shown in enumerate(noisy(scenes)):
        if watch.update(shown, MonotonicNs(round((1 + number / fps) * NS_PER_S))).cause is not None:
            raised.append(number / fps)
    assert 0.9 <= raised[0] - (round(8 * fps) * 2 + 1) / fps <= 2.0


def test_a_view_that_comes_and_goes_in_front_of_the_lens_is_somebody_and_none_that_is_blank() -> None:
    rng = np.random.default_rng(4)
    coats = [np.asarray(cv2.resize(rng.uniform(20, 220, (14, 18)), (160, 120)), np.uint8) for _ in range(40)]
    timeline = settled(room())
    for coat in coats:
        assert timeline.show(coat, 0.5).cause is None
    for level in (60, 90, 70, 110, 80):
        report = timeline.show(np.full((120, 160), level, np.uint8), 0.5)
    assert report.cause is Cause.COVERED


def test_what_moves_in_front_of_the_lens_for_a_minute_is_not_learned() -> None:
    rng = np.random.default_rng(4)
    timeline = settled(room())
    for _ in range(120):
        timeline.show(np.asarray(cv2.resize(rng.uniform(20, 220, (14, 18)), (160, 120)), np.uint8), 0.5)
    assert timeline.show(room(), 3) == ALL_WELL
    assert timeline.show(room(2), 5).cause is Cause.MOVED


def test_a_new_thing_that_leaves_half_of_the_view_alone_becomes_usual() -> None:
    timeline = settled(room())
    furnished = room().copy()
    furnished[:, :60] = room(5)[:, :60]
    assert timeline.show(furnished, 900).cause is None
    furnished[:, 60:110] = room(6)[:, 60:110]
    assert timeline.show(furnished, 30).cause is None


def test_a_sharp_picture_is_clear_at_once_though_the_alarm_ends_later() -> None:
    timeline = settled(room())
    blurred = np.asarray(cv2.GaussianBlur(room(), (0, 0), 4), np.uint8)
    report = timeline.show(blurred, 6)
    assert (report.cause, report.visibility) == (Cause.DEFOCUSED, Visibility.DEFOCUSED)
    report = timeline.show(room(), 1)
    assert (report.cause, report.visibility) == (Cause.DEFOCUSED, Visibility.CLEAR)


def test_a_cover_is_blind_for_as_long_as_it_lasts() -> None:
    timeline = settled(room())
    for _ in range(6):
        assert timeline.show(np.full((120, 160), 90, np.uint8), 30).visibility is Visibility.BLIND


def test_an_alarm_that_is_over_is_not_raised_again() -> None:
    timeline = settled(room())
    assert timeline.show(np.full((120, 160), 90, np.uint8), 20).cause is Cause.COVERED
    causes = [timeline.show(room(), 1).cause for _ in range(8)]
    assert causes == [Cause.COVERED] * 2 + [None] * 6


def test_a_view_stored_before_is_recalled() -> None:
    memory = pack_planes(b"smcview1", (120, 160), (Shrinker().shrink(room()),))
    watch = TamperWatch()
    assert watch.recall(memory)
    assert Timeline(watch).show(np.full((120, 160), 90, np.uint8), 4).cause is Cause.COVERED


@pytest.mark.parametrize("step_s", [0.5, 1.0])
@pytest.mark.parametrize("begins", range(6))
def test_who_passes_a_plain_wall_while_the_watch_begins_is_no_view_that_is_lost_later(
    begins: int, step_s: float
) -> None:
    wall = np.full((120, 160), 120, np.uint8)
    watch = TamperWatch()
    for number, picture in enumerate(noisy([wall] * 40)):
        left = 30 * (number - begins)
        if left >= 0:
            picture[30:80, min(left, 90) : min(left, 90) + 40] = 200
        assert watch.update(picture, MonotonicNs(round(number * step_s * NS_PER_S))).cause is None


@pytest.mark.parametrize("begins", range(1, 6))
def test_who_stands_before_a_plain_wall_while_the_watch_begins_may_go(begins: int) -> None:
    wall = np.full((120, 160), 120, np.uint8)
    watch = TamperWatch()
    for number, picture in enumerate(noisy([wall] * 60)):
        if begins <= number < begins + 12:
            picture[30:80, 60:100] = 200
        assert watch.update(picture, MonotonicNs(round(number * NS_PER_S / FPS))).cause is None
