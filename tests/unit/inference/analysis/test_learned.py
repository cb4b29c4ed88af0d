"""The memory of a learned scene: whole or not at all, whatever happens to the disk and the process."""

import errno
import stat
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.health import SceneStage
from smartcam.contract.ids import EventId
from smartcam.contract.wish import MOST_CURVE_POINTS
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis import learned
from smartcam.model.looks import Eye
from smartcam.vision.normal.calibration import budget_curve
from smartcam.vision.normal.learner import MOST_HELD, MOST_LOOKS_HELD, Held, LearningPlan, SceneLearner
from smartcam.vision.normal.look import PLACES, Regime
from smartcam.vision.normal.place import MOST_EXCUSED
from smartcam.vision.normal.stored import from_bytes, to_bytes
from smartcam.vision.normal.usual import SPANS
from smartcam.vision.normal.watched import MOST_MINUTES, WatchedMinutes
from tests.unit.inference.analysis.learned_yard import ON, at_second, events, pictures, watching, what_was_learnt, yard
from tests.unit.inference.stage import YARD, happened

SHIPPED_WIDTH = 36


def stage_of(file: MemoryFile) -> SceneStage:
    one = yard(file)
    one.show(count=3)
    assert one.analysis.scene is not None
    return one.analysis.scene.stage


def test_no_more_than_a_minute_of_learning_is_lost_and_only_the_owner_can_read_it(tmp_path: Path) -> None:
    young = yard(MemoryFile(tmp_path / "normal-yard"))
    for _ in range(5):
        young.show(seconds=60)
        age_s = time.time() - max(path.stat().st_mtime for path in tmp_path.iterdir())
        assert age_s < 60
        again = yard(MemoryFile(tmp_path / "normal-yard"))
        again.show(count=1)
        assert again.analysis._scene is not None
        assert young.analysis._scene is not None
        lost_s = young.analysis._scene._learner.seconds - again.analysis._scene._learner.seconds
        assert lost_s <= 60
    assert stat.S_IMODE((tmp_path / "normal-yard").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b'{"aspect": "x", "raised": []}',
        b'{"aspect": 1, "raised": [null]}',
        b'["aspect"]',
        b'{"aspect": Infinity, "raised": []}',
        b'{"aspect": 1, "raised": [1e999]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_whole_file_that_is_not_ours_begins_anew_and_says_so(
    head: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = MemoryFile(tmp_path / "normal-yard")
    ours, _, learnt = what_was_learnt().partition(b"\n")
    for count, content in enumerate((head + b"\n" + learnt, head, ours + b"\n", learnt, ours + b"\n" + learnt[:-4])):
        file.store(content)
        assert stage_of(file) is SceneStage.LEARNING
        assert caplog.text.count("scene_begins_anew") == count + 1


def test_a_damaged_file_begins_anew_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = MemoryFile(tmp_path / "normal-yard")
    file.store(what_was_learnt())
    whole = file.path.read_bytes()
    for count, damaged in enumerate((whole[:-1], whole[: len(whole) // 2], whole[:9999] + b"?" + whole[10000:], b"")):
        file.path.write_bytes(damaged)
        assert stage_of(file) is SceneStage.LEARNING
        assert caplog.text.count("scene_begins_anew") == count + 1


def test_another_view_forgets_what_an_earlier_version_has_kept_of_the_old_one(tmp_path: Path) -> None:
    known = watching(tmp_path)
    (tmp_path / "normal-yard.aside").write_bytes(b"of the old view")
    assert known.analysis._scene is not None
    known.analysis._scene.begin_again("the camera has another view")
    assert {path.name for path in tmp_path.iterdir()} == {"normal-yard"}


def test_a_memory_that_cannot_be_put_aside_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = MemoryFile(tmp_path / "normal-yard")
    file.store(what_was_learnt().replace(b"SCNORM03", b"SCNORM04"))
    before = file.path.read_bytes()

    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refused)
        one = yard(file)
        one.show(count=3)
    one.show(seconds=120)
    one.analysis.keep()
    assert file.path.read_bytes() == before
    assert caplog.text.count("scene_not_stored") == 1


def test_where_there_is_no_file_nothing_is_said_of_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert stage_of(MemoryFile(tmp_path / "normal-yard")) is SceneStage.LEARNING
    assert "scene_begins_anew" not in caplog.text
    assert stage_of(MemoryFile(tmp_path / "normal-yard")) is SceneStage.LEARNING


def test_what_another_eye_has_learnt_begins_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = MemoryFile(tmp_path / "normal-yard")
    file.store(what_was_learnt())
    one = yard(file, encoder=learned.place_encoder)
    one.show(count=3)
    assert one.analysis.scene is not None
    assert one.analysis.scene.stage is SceneStage.LEARNING
    assert "scene_begins_anew" in caplog.text


class FullDisk(MemoryFile):
    """Takes nothing while it is full."""

    is_full = True

    def store(self, content: bytes, *, durable: bool = False) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().store(content, durable=durable)


def test_on_a_full_disk_alarms_go_on_the_old_memory_stays_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FullDisk, "is_full", True)
    known = watching(tmp_path)
    kept = (tmp_path / "normal-yard").read_bytes()
    full = FullDisk(tmp_path / "normal-yard")
    one = yard(full)
    assert one.show(seconds=300) == []
    assert happened(one.show(strange=True, count=30)) == [("anomaly", "raised")]
    assert caplog.text.count("scene_not_stored") == 1
    assert full.path.read_bytes() == kept
    monkeypatch.setattr(FullDisk, "is_full", False)
    one.show(seconds=60)
    assert full.path.read_bytes() != kept
    assert known.analysis.scene is not None


def test_an_encoder_that_cannot_be_opened_is_said_once_and_looks_are_measured_by_hand(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> None:
        raise ModelIntegrityError("place_encoder.tflite: cannot be read")

    learned.place_encoder.cache_clear()
    monkeypatch.setattr(learned, "open_place_encoder", refused)
    for _ in range(3):
        one = yard(encoder=learned.place_encoder)
        one.show(count=20)
        assert one.analysis.scene is not None
    learned.place_encoder.cache_clear()
    assert caplog.text.count("encoder_unusable") == 1


def test_a_picture_of_another_shape_is_another_view_and_one_of_another_size_is_not(tmp_path: Path) -> None:
    known = watching(tmp_path)
    scene = known.analysis._scene
    assert scene is not None
    small = pictures(strange=False)[0]
    large = type(small)(
        small.y.repeat(2, 0).repeat(2, 1), small.u.repeat(2, 0).repeat(2, 1), small.v.repeat(2, 0).repeat(2, 1)
    )
    turned = type(small)(*(np.ascontiguousarray(np.rot90(plane)) for plane in (small.y, small.u, small.v)))
    stages = []
    for step, picture in enumerate((large, *[turned] * 32)):
        known.analysis.update(at_second(known.at_s + 2 * (step + 1), picture))
        stages.append(scene.health.stage)
    assert stages == [SceneStage.WATCHING] * 31 + [SceneStage.RELEARNING] * 2


def test_a_picture_of_another_shape_for_a_moment_costs_nothing_that_was_learnt(tmp_path: Path) -> None:
    known = watching(tmp_path)
    scene = known.analysis._scene
    assert scene is not None
    usual = pictures(strange=False)[0]
    turned = type(usual)(*(np.ascontiguousarray(np.rot90(plane)) for plane in (usual.y, usual.u, usual.v)))
    before = scene._learner
    for step in range(120):
        known.analysis.update(at_second(known.at_s + 1 + step, turned if step % 40 < 30 else usual))
    assert scene.health.stage is SceneStage.WATCHING
    assert scene._learner is before


def test_what_was_raised_is_counted_over_a_restart(tmp_path: Path) -> None:
    known = watching(tmp_path)
    assert len(events(known.show(strange=True, count=30))) == 1
    known.analysis.keep()
    again = yard(MemoryFile(tmp_path / "normal-yard"))
    again.show(count=2)
    assert again.analysis.scene is not None
    assert again.analysis.scene.raised == 1


def test_the_fullest_memory_fits_into_its_file(tmp_path: Path) -> None:
    learner = SceneLearner(LearningPlan(), SHIPPED_WIDTH)
    for known in learner.known.values():
        known.memory.excused = np.zeros((MOST_EXCUSED, PLACES, SHIPPED_WIDTH), np.float32)
        known.usual.peaks = np.zeros((SPANS, PLACES), np.float16)
    learner.minutes = WatchedMinutes.none(MOST_MINUTES)
    learner.minutes.numbers[:] = np.arange(MOST_MINUTES)
    looks = [np.zeros((PLACES, SHIPPED_WIDTH), np.float32)] * MOST_LOOKS_HELD
    learner.held = [Held(EventId("e" * 36), Regime.DAY, 0, 1, looks) for _ in range(MOST_HELD)]
    file = MemoryFile(tmp_path / "normal-yard")
    file.store(to_bytes(learner))
    assert from_bytes(file.load(), LearningPlan(), SHIPPED_WIDTH) is not None
    scene = learned.LearnedScene(YARD, LearningPlan(), Eye(learned.place_encoder()), file)
    scene._learner = learner
    scene._raised = [10**7] * 5000
    scene.count_raised()
    scene._is_new = True
    scene.keep()
    assert len(file.load()) > 3_000_000


def test_the_curve_is_the_calibrations_in_the_units_of_views_and_the_threshold_lies_where_the_budget_cuts_it(
    tmp_path: Path,
) -> None:
    one = watching(tmp_path)
    scene = one.analysis._scene
    assert scene is not None
    assert one.shared.look is not None
    points = budget_curve(scene._learner.calibrated_on, MOST_CURVE_POINTS, 200.0)
    curve = one.shared.curve()
    assert len(curve) == len(points) > 2
    for said, point in zip(curve, points, strict=True):
        assert said.threshold == pytest.approx(point.threshold / (1 + point.threshold))
        assert (said.a_day, said.least, said.most) == pytest.approx((point.a_day, point.least, point.most), abs=1e-3)
    budget = curve[-2].most + 0.01
    one.analysis.configure(replace(ON, alerts_a_day=budget))
    one.show(count=1)
    curve = one.shared.curve()
    beyond = max(place for place, point in enumerate(curve) if point.most > budget)
    assert curve[beyond].threshold < one.shared.look.threshold <= curve[beyond + 1].threshold
    one.analysis.configure(replace(ON, normal=False))
    assert one.shared.curve() == ()
