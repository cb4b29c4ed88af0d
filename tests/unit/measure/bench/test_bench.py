import json
import re
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from measure.bench.command import main
from measure.bench.crowd import measure_crowd
from measure.bench.frames import FrameFigures, PassFigures, measure_frames
from measure.bench.gate_probe import ProbeFigures
from measure.bench.idle import STILL_FRAMES, idle_clip
from measure.bench.inline import InlineFigures, measure_inline
from measure.bench.latency import LatencyFigures, measure_latency
from measure.bench.notices import NoticeFigures, measure_notices
from measure.bench.outcome import Figures, document, missed, ratios, table
from measure.bench.recording import RecordingFigures, measure_recording
from measure.bench.rival import measure_rival
from measure.bench.runtimes import RuntimeFigure, figures_here
from measure.bench.scorer import ScorerFigures
from measure.clips import make_clip
from smartcam.model.packing import write_bundle
from tests.fakes import onnx_maker
from tests.unit.model.conftest import CLASSIFIER
from tools.build.suite import DEMO_BUNDLE

FRAMES = FrameFigures(
    width=1280,
    height=720,
    frames=100,
    passes=(PassFigures(0.2, 2.9, 4.9), PassFigures(0.1, 1.5, 2.3), PassFigures(0.1, 1.4, 2.0)),
    stages_ms={"gate": 0.4, "ring_write": 0.12, "ring_read": 0.13, "track": 0.2},
    calls={"gate": 100, "ring_write": 50, "ring_read": 50, "track": 50},
)
SCORER = ScorerFigures("a model", 10.0, 11.0, 12.0)
NOTICES = NoticeFigures(0.4, 0.2)
FAST = (PassFigures(0.1, 1.5, 1.9),)
BESIDE_A_RIVAL = tuple(replace(each, motion_ms=2 * each.whole_ms) for each in FRAMES.passes)
FEW = Figures("clip.mp4", FRAMES, SCORER, NOTICES)
ALL = replace(
    FEW,
    frames=replace(FRAMES, passes=BESIDE_A_RIVAL),
    idle=replace(FRAMES, passes=FAST),
    inline=InlineFigures(0.9, 0.7, 4.0, 23_000.0),
    runtimes=(RuntimeFigure("a model", "LiteRT", 2, 6.0, 12.0),),
    latency=LatencyFigures(12, 10.0, 14.0, 15.0, 15.5),
    hd=replace(FRAMES, width=1920, height=1080, passes=(PassFigures(0.2, 4.0, 5.8, 5.0),)),
    crowd_ms=0.55,
    recording=RecordingFigures(0.22, 24.6),
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(30):
            picture = np.full((96, 160, 3), 90, np.uint8)
            picture[20:60, 4 * number : 4 * number + 30] = 250
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path


def test_every_stage_of_a_real_clip_takes_time(clip: Path) -> None:
    asked = []

    def rival(*clip_and_size: object) -> float:
        asked.append(clip_and_size)
        return 5.0

    figures = measure_frames(clip, 2, rival)
    assert (figures.width, figures.height, figures.frames) == (160, 96, 30)
    assert all(each.memcpy_ms > 0 and each.whole_ms > each.decode_ms > 0 for each in figures.passes)
    assert all(value > 0 for value in figures.stages_ms.values())
    assert asked == [(clip, 160, 96, 30)] * 2
    assert figures.motion_ms == 5
    assert figures.whole_to_motion == pytest.approx(figures.whole_ms / 5)
    assert figures.calls["gate"] == 30
    assert 3 <= figures.calls["ring_read"] == figures.calls["track"] <= 25


def test_the_clip_is_scaled_once_and_keeps_its_frames(clip: Path, tmp_path: Path) -> None:
    scaled = make_clip(clip, tmp_path / "out" / "scaled.mp4", (320, 180))
    written = scaled.stat().st_mtime_ns
    with av.open(str(scaled)) as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(320, 180)] * 30
    assert make_clip(clip, scaled, (320, 180)).stat().st_mtime_ns == written


def test_notices_cost_both_processes_something() -> None:
    figures = measure_notices(20)
    assert figures.publish_ms > 0
    assert figures.receive_ms > 0


def test_a_look_at_fifty_objects_takes_time() -> None:
    assert measure_crowd() > 0


def test_keeping_a_camera_s_packets_and_encoding_pictures_take_time(clip: Path) -> None:
    figures = measure_recording(clip, 2)
    assert figures.remux_ms > 0
    assert figures.encode_ms > 0
    assert figures.encoding_share == figures.encode_ms * 5 / 1000


def test_figures_are_judged_as_multiples_of_their_floor() -> None:
    few = {"besides_decoding_to_memcpy": 8.0, "ring_to_memcpy": 2.5, "scorer_to_bare": 1.1}
    assert ratios(FEW) == pytest.approx(few)
    more = {
        "idle_besides_decoding_to_memcpy": 4.0,
        "inline_to_ring": (1.6 + 4 * 0.6) / (0.25 + 0.6),
        "whole_to_debian_motion": 0.5,
        "hd_besides_decoding_to_memcpy": 9.0,
        "hd_whole_to_debian_motion": 1.16,
        "tracker_to_half_a_millisecond": 1.1,
        "remux_to_memcpy": 2.2,
        "encoding_to_twelve_percent": 1.025,
    }
    assert ratios(ALL) == pytest.approx(few | more)


def test_the_document_has_the_shape_that_programs_read() -> None:
    written = json.loads(json.dumps(document(FEW)))
    assert (written["clip"], written["size"], written["debian_motion_ms"]) == ("clip.mp4", [1280, 720], None)
    assert set(written["stages_ms"]) == {"gate", "ring_write", "ring_read", "track"}
    assert written["notice_ms"] == {"publish": 0.4, "receive": 0.2}
    assert (written["scorer"]["bare_ms"], written["scorer"]["wrapped_ms"]) == (10.0, 11.0)


def test_the_table_names_every_figure_with_its_floor() -> None:
    assert len(table(FEW).splitlines()) == 15
    told = table(ALL)
    assert len(told.splitlines()) == 15 + 10 + 5 + 3 + 3
    assert re.search(r"MISSED: hd_besides_decoding_to_memcpy is 9\.00, at most 8", told)
    assert re.search(r"besides decoding +0\.800 ms +8\.00 x memcpy", told)
    assert re.search(r"idle scene +0\.400 ms +4\.00 x memcpy", told)
    assert re.search(r"a frame inline, messages and all +4\.000 ms +4\.71 x the ring", told)
    assert re.search(r"clips, a camera's own packets +0\.220 ms +2\.20 x memcpy", told)
    assert re.search(r"clips, a picture that is encoded +24\.600 ms +12\.3% of a core at 5 a second", told)
    assert re.search(r"a model, LiteRT, 2 threads +6\.000 ms +on the clock; CPU 12\.000 ms", told)
    assert re.search(r"capture to publish, p99 +15\.000 ms +on the clock; at most 15\.5", told)
    assert re.search(r"Debian's motion, the whole +4\.600 ms +ours is 0\.50 of it", told)


def test_what_is_above_its_limit_is_named() -> None:
    assert not missed(FEW)
    assert set(missed(ALL)) == {
        "hd_besides_decoding_to_memcpy",
        "hd_whole_to_debian_motion",
        "tracker_to_half_a_millisecond",
        "encoding_to_twelve_percent",
    }
    assert document(ALL)["missed"] == list(missed(ALL))


def test_a_gate_that_fails_the_probe_fails_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    for flagged, code in ((0, 0), (1, 3)):
        figures = replace(FEW, probe=ProbeFigures({"noise": {"a": 0, "b": flagged}}))
        monkeypatch.setattr("measure.bench.command._measure", lambda _options, _source, given=figures: given)
        assert main([]) == code
    assert "noise                0     1   at most 0   BROKEN" in table(figures)


def test_an_idle_clip_goes_back_and_forth_without_a_jump(clip: Path, tmp_path: Path) -> None:
    idle = idle_clip(clip, tmp_path / "idle.mp4", (1280, 720))
    with av.open(str(idle)) as container:
        means = [float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
    assert len(means) == 5 * min(30, STILL_FRAMES)
    assert max(abs(np.diff(means))) < 1


def test_a_frame_goes_into_messages_and_out_again(clip: Path) -> None:
    figures = measure_inline(clip, passes=1, longest_side=96)
    assert figures.write_ms > 0
    assert figures.read_ms > 0
    assert figures.messages == 1
    assert 100 < figures.bytes < 7000


def test_a_bundle_is_measured_on_the_runtime_that_reads_it_and_left_out_where_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    write_bundle(tmp_path / "onnx", onnx_maker.classifier(2, nhwc=True, steep=8), CLASSIFIER)
    bundles = [DEMO_BUNDLE, tmp_path / "onnx"]
    assert [figure.runtime for figure in figures_here(bundles)] == ["LiteRT", "LiteRT", "ONNX Runtime", "ONNX Runtime"]
    monkeypatch.setattr("measure.bench.runtimes.find_spec", lambda _: None)
    assert {figure.runtime for figure in figures_here(bundles)} == {"LiteRT"}


def test_a_runtime_is_measured_with_one_thread_and_two() -> None:
    figures = figures_here([DEMO_BUNDLE])
    assert [figure.threads for figure in figures] == [1, 2]
    assert all(figure.wall_ms > 0 for figure in figures)


def test_a_rival_that_is_not_installed_has_no_figure(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert measure_rival(clip, 160, 96, 30) is None


def test_the_way_of_an_event_is_measured_for_models_of_whole_scenes_only(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("measure.bench.latency.open_model", lambda _bundle: object())
    assert measure_latency(clip, tmp_path, 1) is None


def test_a_limit_that_is_missed_by_little_is_told_with_the_digits_that_show_it() -> None:
    assert "MISSED: tracker_to_half_a_millisecond is 1.0004, at most 1\n" in table(replace(ALL, crowd_ms=0.5002)) + "\n"
    assert "MISSED: tracker_to_half_a_millisecond is 1.10, at most 1\n" in table(replace(ALL, crowd_ms=0.55)) + "\n"


@pytest.mark.parametrize(
    "wrong", [("--passes", "0"), ("--width", "5"), ("--width", "4000"), ("--events", "-1"), ("--notices", "0")]
)
def test_a_number_that_nothing_can_be_measured_with_is_refused_with_its_range(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(wrong))
    assert ended.value.code == 2
    assert f"{wrong[0]}: {wrong[1]}: give a whole number, " in capsys.readouterr().err


def test_a_bundle_is_opened_and_the_place_of_the_figures_made_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_early(*_: object) -> None:
        pytest.fail("measured first")

    monkeypatch.setattr("measure.bench.command._measure", too_early)
    (tmp_path / "file").touch()
    wrong = {"--bundle": "none", "--also": "none", "--json": "file/bench.json"}
    for option, place in wrong.items():
        assert main(["--video", "a.mp4", option, str(tmp_path / place)]) == 2
        said = capsys.readouterr().err
        assert said.startswith("smartcam bench: ")
        assert str(tmp_path) in said
        assert said.count("\n") == 1


def test_a_clip_that_is_missing_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--video", str(tmp_path / "missing.mp4"), "--passes", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
