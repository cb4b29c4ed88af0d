import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.contract.event import EventKind
from smartcam.vision.turn import AS_IT_IS, quarter_turn
from tests.clips import moving_square, write_clip
from tools.score.intervals import Interval, ScoreError
from tools.score.labels import ClipLabels
from tools.score.matching import match
from tools.score.measuring import ScorePlan
from tools.score.objects import Keyframe, LabelledObject, Sight
from tools.score.page import cards_of, write_page
from tools.score.playback import Playback
from tools.score.report import ClipScore, Score
from tools.score.stills import WIDEST, Instant, framed_jpeg, stills
from tools.score.targets import FrameTimes, SeenEvent

HOSTILE = '<script>alert("x")</script>&amp;'
BOX = (0.1, 0.2, 0.3, 0.9)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "v.mp4", moving_square(frames=40))


def score_of(video: str = "v.mp4", rule: str = "anything") -> ClipScore:
    person, times = EventKind.PERSON, FrameTimes([frame / 10 for frame in range(40)], 4.0)
    seen = tuple(SeenEvent(person, at, None, 0.7, rule=rule, box=BOX) for at in (0.5, 0.9, 2.5))
    labels = ClipLabels(
        video,
        10,
        (Interval("person", 30, 39),),
        objects=(LabelledObject("ann", person, (Sight(Interval("person", 0, 9), (Keyframe(0, BOX),)),)),),
    )
    playback = Playback(40, tuple(times.starts_s), 4.0, seen, (), {})
    return ClipScore(video, playback, match(seen, labels, times))


def opened(jpeg: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def write(clip: Path, folder: Path, score: ClipScore) -> Path:
    return write_page(folder, ScorePlan([clip], [], folder), Score((score,)))


def test_found_doubled_false_and_missed_have_a_picture_each(clip: Path, tmp_path: Path) -> None:
    page = write(clip, tmp_path / "report", score_of())
    text = page.read_text()
    assert re.findall(r'<li class="(\w+)">', text) == ["found", "twice", "false", "missed"]
    pictures = [base64.b64decode(each) for each in re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)]
    assert len(pictures) == 4
    assert all(
        cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR).shape == (240, 320, 3) for each in pictures
    )
    assert "about person in frames 0 to 9 (ann)" in text
    assert "missed</b> person in frames 30 to 39" in text


def test_the_page_is_the_users_alone_loads_nothing_and_says_who_is_in_it(clip: Path, tmp_path: Path) -> None:
    page = write(clip, tmp_path / "deep" / "report", score_of())
    assert (page.stat().st_mode & 0o777, page.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    text = page.read_text()
    assert "pictures of real people" in text
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|<script|<link|url\(", text)


def test_names_from_files_are_text_and_nothing_else(clip: Path, tmp_path: Path) -> None:
    text = write(clip, tmp_path, score_of(HOSTILE, HOSTILE)).read_text()
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;amp;") >= 4


def test_a_page_that_cannot_be_written_is_one_clear_error(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScoreError, match=r"report .*file/index\.html: "):
        write(clip, tmp_path / "file", score_of())


def test_more_than_a_browser_can_show_is_listed_without_pictures(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.score.page.MOST_PICTURES", 2)
    text = write(clip, tmp_path, score_of()).read_text()
    assert (text.count("<img"), text.count("<li")) == (2, 4)


def test_the_moment_of_a_miss_is_the_middle_of_its_time_with_the_place_if_there_is_one() -> None:
    missed = [card for card in cards_of(score_of().outcome) if card.verdict == "missed"]
    assert [card.moment for card in missed] == [Instant(3.5)]


@pytest.mark.parametrize(("width", "height"), [(2, 2000), (2000, 2), (9, 16)])
def test_a_picture_of_any_proportions_has_a_still(width: int, height: int) -> None:
    still = opened(framed_jpeg(np.zeros((height, width, 3), np.uint8), BOX))
    assert still.shape[1] <= WIDEST
    assert still.shape[0] <= 4 * WIDEST


def test_stills_are_turned_as_the_camera_was_and_moments_after_the_end_have_none(clip: Path) -> None:
    here, beyond = Instant(1.0, BOX), Instant(99.0)
    assert list(stills(clip, [here, beyond], AS_IT_IS)) == [here]
    assert opened(stills(clip, [here], quarter_turn(90))[here]).shape == (427, 320, 3)
    assert stills(clip, [], AS_IT_IS) == {}
