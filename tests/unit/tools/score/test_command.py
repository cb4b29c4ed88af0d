import json
import re
from pathlib import Path
from typing import Any

import pytest

from smartcam.vision.turn import quarter_turn, turned
from tests.clips import truncated, write_clip
from tests.pipeline.visitor import COMING, FPS, red_bundle, visit_clip, visits
from tools.score.command import main
from tools.score.intervals import ScoreError
from tools.score.measuring import ScorePlan, measure, measure_plan
from tools.score.playback import Playback, play

EMPTY, STAYS, COUNT = 60, 60, 2
VISIT = EMPTY + COMING + STAYS + 60


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of two visits, its labels, and a bundle."""
    folder = tmp_path_factory.mktemp("score")
    visit_clip(folder / "visits.mp4", EMPTY, STAYS, 60, COUNT)
    red_bundle(folder / "bundle")
    spans = [[visit * VISIT + EMPTY, visit * VISIT + EMPTY + COMING + STAYS - 1] for visit in range(COUNT)]
    write_labels(folder / "labels.json", {"video/visits.mp4": {"fps": 20, "person": spans}})
    return folder


def write_labels(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def call(place: Path, **other: Path) -> int:
    chosen = {"video": place / "visits.mp4", "labels": place / "labels.json", "bundle": place / "bundle", **other}
    return main([part for name, value in chosen.items() for part in (f"--{name}", str(value))])


def test_both_visits_are_found_and_written_for_machines_and_people(
    place: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "score.json"
    assert call(place, json=out) == 0
    result: dict[str, Any] = json.loads(out.read_text())
    assert out.stat().st_mode & 0o777 == 0o600
    assert (result["recall"], result["precision"], result["false_per_hour"]) == (1.0, 1.0, 0.0)
    (clip,) = result["clips"]
    assert (clip["video"], clip["expected"], clip["found"], clip["false"]) == ("visits.mp4", 2, 2, 0)
    assert [event["kind"] for event in clip["events"]] == ["anomaly", "anomaly"]
    assert all(0 <= seconds < 1.5 for seconds in clip["seconds_to_alert"])
    assert all(event["start_s"] < event["end_s"] and 0.6 <= event["score"] <= 1 for event in clip["events"])
    assert clip["frame_auc"] > 0.9
    assert {"decode", "gate", "analyse", "whole"} <= set(result["ms_per_frame"])
    printed = capsys.readouterr().out
    assert re.search(r"visits\.mp4 +2 +2 +2 +0 +0 +0 +0 ", printed)
    assert "recall 1.000, precision 1.000" in printed


def found_and_false(place: Path, labels: Path, out: Path, clip: Path) -> dict[str, Any]:
    arguments = {"video": clip, "labels": labels, "bundle": place / "bundle", "json": out}
    assert main([part for name, value in arguments.items() for part in (f"--{name}", str(value))]) == 0
    (result,) = json.loads(out.read_text())["clips"]
    assert isinstance(result, dict)
    return result


def test_a_clip_of_variable_rate_is_measured_by_its_own_positions(place: Path, tmp_path: Path) -> None:
    pictures = list(visits(EMPTY, STAYS, 60))
    # 20 pictures a second, but one in three seconds before somebody comes.
    stamps = [50 * number + (60_000 if number >= EMPTY else 0) for number in range(len(pictures))]
    clip = write_clip(tmp_path / "v.mkv", pictures, fps=FPS, stamps=stamps)
    spans = [[EMPTY, EMPTY + COMING + STAYS - 1]]
    labels = write_labels(tmp_path / "l.json", {"v.mkv": {"fps": 20, "person": spans}})
    result = found_and_false(place, labels, tmp_path / "out.json", clip)
    assert (result["found"], result["false"]) == (1, 0)
    assert 0 <= result["seconds_to_alert"][0] < 1.5


@pytest.mark.parametrize("ending", ["h264", "mjpeg", "mkv"])
def test_labels_of_another_rate_than_the_clips_are_told_of_before_it_is_played_and_match_by_frame(
    place: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = "mjpeg" if ending == "mjpeg" else "libx264"
    pixel_format = "yuvj420p" if ending == "mjpeg" else "yuv420p"
    pictures = visits(EMPTY, STAYS, 60, COUNT)
    clip = write_clip(tmp_path / f"v.{ending}", pictures, fps=25, codec=codec, pixel_format=pixel_format)
    spans = [[visit * VISIT + EMPTY, visit * VISIT + EMPTY + COMING + STAYS - 1] for visit in range(COUNT)]
    labels = write_labels(tmp_path / "l.json", {clip.name: {"fps": 10, "person": spans}})
    told = f"labels of {clip.name}: they say 10 frames a second, the clip 25"
    before: list[str] = []

    def played(*arguments: object, **more: object) -> Playback:
        before.append(capsys.readouterr().err)
        return play(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("tools.score.measuring.play", played)
    result = found_and_false(place, labels, tmp_path / "out.json", clip)
    assert (result["found"], result["false"], result["missed"]) == (2, 0, [])
    assert told in before[0]
    assert told in result["doubts"][0]
    assert not capsys.readouterr().err


def test_a_container_that_claims_six_hundred_frames_a_second_is_told_of(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stamps = [round(number / 600 * 1000) for number in range(60)]
    clip = write_clip(tmp_path / "v.mkv", visits(20, 20, 8), fps=600, stamps=stamps)
    labels = write_labels(tmp_path / "l.json", {"v.mkv": {"fps": 10, "person": []}})
    found_and_false(place, labels, tmp_path / "out.json", clip)
    assert "labels of v.mkv: the clip states no rate that a camera has" in capsys.readouterr().err


def test_labels_in_seconds_and_in_frames_find_the_same(place: Path, tmp_path: Path) -> None:
    spans = [(visit * VISIT + EMPTY, visit * VISIT + EMPTY + COMING + STAYS - 1) for visit in range(COUNT)]
    in_seconds = [{"seconds": [first / FPS, (last + 1) / FPS]} for first, last in spans]
    labels = write_labels(tmp_path / "l.json", {"visits.mp4": {"person": in_seconds}})
    frames, seconds = (
        measure([place / "visits.mp4"], each, place / "bundle").clips[0] for each in (place / "labels.json", labels)
    )
    assert seconds.outcome.seconds_to_alert == pytest.approx(frames.outcome.seconds_to_alert)
    assert (seconds.outcome.found, seconds.outcome.false) == (2, 0)
    assert seconds.frame_auc == frames.frame_auc
    assert not seconds.doubts


def never(*_: object, **__: object) -> Playback:
    raise ScoreError("played")


def test_labels_of_a_longer_clip_end_in_an_error_before_it_is_played(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.score.measuring.play", never)
    entry = {"fps": 20, "frames": 3 * VISIT, "person": [[0, 2 * VISIT]]}
    assert call(place, labels=write_labels(tmp_path / "l.json", {"visits.mp4": entry})) == 1
    said = capsys.readouterr().err.splitlines()
    there = 2 * VISIT
    assert said == [
        f"smartcam score: labels of visits.mp4: {fault}"
        for fault in (
            f"they say {3 * VISIT} frames, the clip has {there}; are they of this very file?",
            f"[0, {there}] of person lies outside the clip, which has {there} frames",
        )
    ]


def test_a_clip_that_is_stored_turned_gives_the_events_of_the_upright_one(place: Path, tmp_path: Path) -> None:
    hung = (turned(each, quarter_turn(90)) for each in visits(EMPTY, STAYS, 60, COUNT))
    write_clip(tmp_path / "visits.mp4", hung, fps=FPS, turn=quarter_turn(270))
    upright, stored = (
        measure([video / "visits.mp4"], place / "labels.json", place / "bundle") for video in (place, tmp_path)
    )
    assert stored.clips[0].outcome == upright.clips[0].outcome


def test_a_clip_of_a_camera_that_hangs_upside_down_is_turned_when_asked_for(place: Path, tmp_path: Path) -> None:
    hung = (turned(each, quarter_turn(180, mirror=True)) for each in visits(EMPTY, STAYS, 60, COUNT))
    clip = write_clip(tmp_path / "visits.mp4", hung, fps=FPS)
    upright = measure([place / "visits.mp4"], place / "labels.json", place / "bundle")
    plan = ScorePlan([clip], [place / "labels.json"], place / "bundle", rotate=180, mirror=True)
    assert measure_plan(plan).clips[0].outcome == upright.clips[0].outcome
    with pytest.raises(SystemExit):
        run(place, "--rotate", "45")


def test_the_same_measurement_gives_the_same_events(place: Path) -> None:
    runs = [measure([place / "visits.mp4"], place / "labels.json", place / "bundle") for _ in range(2)]
    assert runs[0].clips[0].outcome == runs[1].clips[0].outcome


def test_what_is_false_and_what_is_missed_are_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_labels(tmp_path / "l.json", {"visits.mp4": {"fps": 20, "person": [[0, 10], [EMPTY, EMPTY + 60]]}})
    assert call(place, labels=labels) == 0
    printed = capsys.readouterr().out
    assert "missed: person in frames 0 to 10" in printed
    assert len(re.findall(r"false: anomaly at \d", printed)) == 1
    assert "recall 0.500, precision 0.500" in printed


def test_fewer_frames_a_second_are_analysed_when_asked_for(place: Path) -> None:
    arguments = [place / "visits.mp4"], place / "labels.json", place / "bundle"
    assert (
        measure(*arguments, 1.0).clips[0].playback.frames_analysed
        < measure(*arguments).clips[0].playback.frames_read / 15
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("video", "clip .*none.mp4: there is no such file"),
        ("labels", "labels .*none.json: No such file"),
        ("bundle", "bundle .*none: there is no such folder"),
    ],
)
def test_what_is_missing_gives_one_clear_line(
    place: Path, tmp_path: Path, wrong: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"video": "none.mp4", "labels": "none.json", "bundle": "none"}
    assert call(place, **{wrong: tmp_path / names[wrong]}) == 1
    said = capsys.readouterr().err
    assert re.search(f"^smartcam score: {message}", said)
    assert said.count("\n") == 1


def test_a_clip_without_labels_is_named_with_those_that_have_some(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_labels(tmp_path / "l.json", {"video/other.mp4": {"person": []}})
    assert call(place, labels=labels) == 1
    assert "no entry for visits.mp4; there are entries for other.mp4" in capsys.readouterr().err


def test_a_label_outside_of_the_clip_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_labels(tmp_path / "l.json", {"visits.mp4": {"fps": 20, "person": [[0, 5000]]}})
    assert call(place, labels=labels) == 1
    assert f"[0, 5000] of person lies outside the clip, which has {COUNT * VISIT} frames" in capsys.readouterr().err


def test_a_clip_that_cannot_be_read_and_a_bundle_with_a_wrong_hash_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "visits.mp4").write_bytes(b"no clip at all")
    assert call(place, video=tmp_path / "visits.mp4") == 1
    assert "visits.mp4" in capsys.readouterr().err
    bundle = red_bundle(tmp_path / "bundle")
    (bundle / "model.tflite").write_bytes(b"another model")
    assert call(place, bundle=bundle) == 1
    assert "model.tflite" in capsys.readouterr().err


def test_a_clip_that_breaks_off_before_its_labels_end_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = truncated(place / "visits.mp4", 0.6).rename(tmp_path / "visits.mp4")
    assert call(place, video=cut) == 1
    assert "lies outside the clip" in capsys.readouterr().err


def test_a_result_that_cannot_be_written_is_an_error(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert call(place, json=tmp_path / "file" / "out.json") == 1
    assert "result" in capsys.readouterr().err


@pytest.mark.parametrize("again", ["visits.mp4", "other/visits.mp4", "sub/../visits.mp4"])
def test_two_clips_of_one_name_are_refused_because_labels_could_mean_either(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], again: str
) -> None:
    for folder in ("other", "sub"):
        (tmp_path / folder).mkdir()
    for name in ("visits.mp4", "other/visits.mp4"):
        (tmp_path / name).write_bytes((place / "visits.mp4").read_bytes())
    videos = [tmp_path / "visits.mp4", tmp_path / again]
    given = [part for video in videos for part in ("--video", str(video))]
    assert main([*given, "--labels", str(place / "labels.json"), "--bundle", str(place / "bundle")]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"smartcam score: clips {videos[0]} and {videos[1]}: ")
    assert said.out == ""


def test_a_measurement_is_shown_even_if_its_file_cannot_be_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(place, json=place) == 1
    said = capsys.readouterr()
    assert "recall 1.000, precision 1.000" in said.out
    assert said.err == f"smartcam score: result {place}: Is a directory\n"


def test_the_help_says_what_counts_as_found(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "Each labelled object expects one event" in capsys.readouterr().out


def run(place: Path, *more: str, labels: Path | None = None) -> int:
    clip, bundle = place / "visits.mp4", place / "bundle"
    chosen = place / "labels.json" if labels is None else labels
    return main(["--video", str(clip), "--labels", str(chosen), "--bundle", str(bundle), *more])


def test_floors_that_are_reached_change_nothing(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "score.json"
    floors = ["--least-recall", "1", "--least-precision", "1", "--most-false", "0", "--most-duplicates", "0"]
    floors += ["--most-median", "2", "--most-p95", "2", "--most-worst", "2", "--most-ms", "1000"]
    assert run(place, *floors, "--most-false-per-hour", "0", "--json", str(out)) == 0
    written = json.loads(out.read_text())["floors"]
    assert len(written) == 9
    assert all(floor["holds"] for floor in written)


@pytest.mark.parametrize(
    ("floor", "asked"),
    [("--most-median", "0.01"), ("--most-p95", "0.01"), ("--most-worst", "0.01"), ("--most-ms", "0.0001")],
)
def test_a_floor_that_is_missed_ends_with_three_and_names_it(
    place: Path, floor: str, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place, floor, asked) == 3
    said = capsys.readouterr()
    assert f"{floor[2:]} {asked} is missed" in said.err
    assert "visits.mp4" in said.out


@pytest.mark.parametrize(
    ("option", "text", "wanted"),
    [
        ("--analyse-fps", "0", "0.1 to 60"),
        ("--analyse-fps", "-3", "0.1 to 60"),
        ("--tolerance", "-3", "0 or more"),
        ("--least-recall", "100", "0 to 1"),
        ("--least-recall", "nan", "0 to 1"),
        ("--least-precision", "1.1", "0 to 1"),
        ("--most-false", "-1", "0 or more"),
        ("--most-worst", "nan", "0 or more"),
    ],
)
def test_a_number_that_no_measurement_can_mean_is_refused_with_its_range(
    place: Path, option: str, text: str, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(place, option, text)
    assert ended.value.code == 2
    assert f"argument {option}: {text}: give a number, {wanted}" in capsys.readouterr().err


def test_false_and_missed_events_miss_their_floors(place: Path, tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "l.json", {"visits.mp4": {"fps": 20, "person": [[0, 10], [EMPTY, EMPTY + 60]]}})
    for floor in ("--least-recall=0.9", "--least-precision=0.9", "--most-false=0", "--most-false-per-hour=1"):
        assert run(place, floor, labels=labels) == 3
    assert run(place, "--least-recall=0.5", "--least-precision=0.5", "--most-false=1", labels=labels) == 0


def test_a_delay_that_nobody_could_measure_reaches_no_floor(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_labels(tmp_path / "l.json", {"visits.mp4": {"fps": 20, "person": []}})
    for floor in ("--most-worst", "--most-per-object"):
        assert run(place, floor, "5", labels=labels) == 3
        assert "nothing to measure" in capsys.readouterr().err


def test_events_are_broken_down_by_rule_and_cause_and_time_by_stage(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, settings = tmp_path / "score.json", tmp_path / "camera.json"
    settings.write_text(json.dumps({"rules": {"anybody at all": {}}}))
    assert run(place, "--json", str(out), "--camera-settings", str(settings)) == 0
    result: dict[str, Any] = json.loads(out.read_text())
    assert result["by_rule"] == {"anybody at all": {"found": 2, "duplicate": 0, "false": 0, "unsure": 0}}
    assert result["by_cause"] == {"anomaly: unusual": {"found": 2, "duplicate": 0, "false": 0, "unsure": 0}}
    assert set(result["seconds_to_alert"]) == {"median", "p95", "worst"}
    assert {"decode", "gate", "model", "analyse"} <= set(result["ms_per_frame"])
    assert result["ms_per_frame"]["model"] > 0
    printed = capsys.readouterr().out
    assert re.search(r"rule anybody at all +2 +0 +0 +0", printed)
    assert re.search(r"cause anomaly: unusual +2 +0 +0 +0", printed)


def test_what_the_labels_say_in_words_only_is_told_and_reaches_no_recall(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_labels(tmp_path / "l.json", {"visits.mp4": {"fps": 20, "anomaly": "left", "note": "grey"}})
    out = tmp_path / "score.json"
    assert run(place, "--least-recall", "1", "--json", str(out), labels=labels) == 3
    said = capsys.readouterr()
    assert "not judged: anomaly, of which the labels only say 'left'" in said.out
    assert "least-recall 1 is missed: nothing to measure" in said.err
    assert json.loads(out.read_text())["clips"][0]["not_judged"] == {"anomaly": "left"}


def test_a_label_that_the_model_does_not_know_is_refused_before_anything_is_played(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.score.measuring.play", never)
    for key, table in (
        ("labels", {"labels": ["persn"]}),
        ("rules.gate.labels", {"rules": {"gate": {"labels": ["persn"]}}}),
    ):
        settings = write_labels(tmp_path / "camera.json", table)
        assert run(place, "--camera-settings", str(settings)) == 1
        said = capsys.readouterr().err
        assert said.startswith(
            f"smartcam score: camera settings: {key}: 'persn' raises nothing with this model; it knows "
        )
        assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"zones": {"a": [[0, 0], [1, 1]]}}', "cameras.score.zones.a"),
        ('{"schedule": {"monday": ["25:00-26:00"]}}', "cameras.score.schedule.monday"),
        (None, "No such file"),
    ],
)
def test_camera_settings_that_are_wrong_give_one_clear_line(
    place: Path, tmp_path: Path, text: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "camera.json"
    if text is not None:
        settings.write_text(text)
    assert run(place, "--camera-settings", str(settings)) == 1
    said = capsys.readouterr().err
    assert re.search(f"camera settings .*{re.escape(message)}", said)
    assert said.count("\n") == 1


def test_settings_that_tune_has_written_are_taken_as_they_are(place: Path, tmp_path: Path) -> None:
    proposed = tmp_path / "camera.yaml"
    proposed.write_text("# Proposed by smartcam tune\ncameras:\n  yard:\n    min_frames: 100\n")
    assert run(place, "--least-recall", "1") == 0
    assert run(place, "--least-recall", "1", "--camera-settings", str(proposed)) == 3, "so many looks there are not"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cameras: {yard: {min_frame: 2}}", "cameras.score.min_frame = 2: is not a setting"),
        ("cameras: {a: {}, b: {}}", "holds the settings of 2 cameras (a, b); keep the one that is to be scored"),
        ("cameras: {}", "holds the settings of 0 cameras"),
        ("cameras: 3", "cameras: must be an object"),
        ("min_frames: [", "is not YAML"),
    ],
)
def test_settings_in_yaml_that_are_wrong_give_one_clear_line(
    place: Path, tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "camera.yaml"
    settings.write_text(text)
    assert run(place, "--camera-settings", str(settings)) == 1
    said = capsys.readouterr().err
    assert said.startswith("smartcam score: camera settings ")
    assert message in said
    assert said.count("\n") == 1


def test_the_tolerance_of_the_command_line_is_the_one_that_counts(place: Path, tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "l.json", {"visits.mp4": {"fps": 20, "person": [[0, 10]]}})
    assert run(place, "--least-recall=1", labels=labels) == 3
    assert run(place, "--least-recall=1", "--tolerance", "5", labels=labels) == 0


def test_several_clips_and_files_of_labels_are_measured_together(place: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mp4"
    again.symlink_to(place / "visits.mp4")
    span = [[EMPTY, EMPTY + COMING + STAYS - 1], [VISIT + EMPTY, VISIT + EMPTY + COMING + STAYS - 1]]
    labels = write_labels(tmp_path / "l.json", {"again.mp4": {"fps": 20, "person": span}})
    out = tmp_path / "score.json"
    assert run(place, "--video", str(again), "--labels", str(labels), "--json", str(out), "--most-false", "0") == 0
    result = json.loads(out.read_text())
    assert [clip["found"] for clip in result["clips"]] == [2, 2]
    assert (result["expected"], result["found"], result["false"]) == (4, 4, 0)


def test_events_are_counted_per_hour_and_per_object_and_further_ones_as_duplicates(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = {"id": "resident", "kind": "person", "frames": [EMPTY, COUNT * VISIT - 1]}
    labels = write_labels(tmp_path / "l.json", {"visits.mp4": {"objects": [whole]}})
    out = tmp_path / "score.json"
    assert run(place, "--most-duplicates", "0", "--json", str(out), labels=labels) == 3
    assert run(place, "--most-per-object", "1.5", labels=labels) == 3
    assert run(place, "--most-per-hour", "1", labels=labels) == 3
    result = json.loads(out.read_text())
    hours = COUNT * VISIT / FPS / 3600
    assert (result["found"], result["duplicates"], result["false"], result["precision"]) == (1, 1, 0, 0.5)
    assert (result["events_per_object"], result["events_per_hour"]) == (2.0, pytest.approx(2 / hours))
    assert [event["verdict"] for event in result["clips"][0]["events"]] == ["found", "duplicate"]
    said = capsys.readouterr().out
    assert "twice: anomaly at" in said
    assert "about person in frames 60 to" in said
    assert re.search(r"visits\.mp4 +1 +2 +1 +0 +1 +0 +0 +\d+\.\d +2\.00 ", said)


def test_the_report_is_written_where_asked_for_and_told_of(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place, "--report", str(tmp_path / "report")) == 0
    page = tmp_path / "report" / "index.html"
    assert page.read_text().count('<li class="found">') == 2
    assert f"see {page}" in capsys.readouterr().out
    assert run(place, "--report", str(place / "labels.json")) == 1
    said = capsys.readouterr()
    assert "recall 1.000" in said.out
    assert said.err.startswith(f"smartcam score: report {place / 'labels.json'}")


def test_a_limit_on_the_models_time_is_measured_without_the_cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caches = []

    def kept(plan: ScorePlan, *_: object) -> object:
        caches.append(plan.cache)
        raise ScoreError("enough")

    monkeypatch.setattr("tools.score.command.measure_plan", kept)
    for more in ((), ("--no-cache",), ("--most-ms", "9")):
        assert run(place, *more) == 1
    assert caches[0] is not None
    assert caches[1:] == [None, None]
