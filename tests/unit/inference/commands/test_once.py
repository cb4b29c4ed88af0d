import io
import json
from pathlib import Path

from smartcam.contract.ids import CameraId
from smartcam.contract.notice import encode_notice
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.inference.commands.once import score_once
from smartcam.vision.frame import Frame
from tests.clips import still_scene
from tools.command_line import ROOT

DEMO = ROOT / "training" / "bundles" / "demo"


def test_a_notice_is_answered_with_what_the_model_says_of_its_frame(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path, CameraId("yard"))
    [picture] = still_scene(frames=1)
    frame = Frame(CameraId("yard"), 7, UtcNs(1), MonotonicNs(1), 40_000_000, picture, ())
    answers, errors = io.StringIO(), io.StringIO()
    notices = io.StringIO(json.dumps(json.loads(encode_notice(writer.write(frame)))) + "\n")
    assert score_once(DEMO, tmp_path, notices, answers, errors) == 0
    answer = json.loads(answers.getvalue())
    assert (answer["seq"], answer["position_ns"]) == (7, 40_000_000)
    assert 0 <= answer["score"] <= 1
    writer.close()


def test_a_bundle_that_is_not_there_is_one_line_and_a_code(tmp_path: Path) -> None:
    errors = io.StringIO()
    assert score_once(tmp_path / "none", tmp_path, io.StringIO(), io.StringIO(), errors) == 1
    assert errors.getvalue().startswith("smartcam-inference: ")


def test_a_bundle_that_is_not_named_is_said(tmp_path: Path) -> None:
    errors = io.StringIO()
    assert score_once(None, tmp_path, io.StringIO(), io.StringIO(), errors) == 1
    assert errors.getvalue().startswith("smartcam-inference: no bundle is named: give --bundle")


def test_bytes_that_are_no_text_are_one_line_and_a_code(tmp_path: Path) -> None:
    errors, notices = io.StringIO(), io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n"), "utf-8")
    assert score_once(DEMO, tmp_path, notices, io.StringIO(), errors) == 1
    assert len(errors.getvalue().splitlines()) == 1


def test_what_is_no_notice_is_one_line_and_a_code(tmp_path: Path) -> None:
    errors = io.StringIO()
    assert score_once(DEMO, tmp_path, io.StringIO("hello\n"), io.StringIO(), errors) == 1
    assert len(errors.getvalue().splitlines()) == 1
