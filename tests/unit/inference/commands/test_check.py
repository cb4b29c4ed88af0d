import io
import json
import shutil
from pathlib import Path

import pytest

from smartcam import __version__
from smartcam.contract.event import EventKind
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.commands.check import check
from smartcam.inference.main import main
from smartcam.model.manifest import ModelKind, Thresholds
from smartcam.model.packing import Draft, write_bundle
from tests.fakes import models
from tests.fakes.row_models import linear, write_filter
from tests.training.tabular.verdicts import judged_history
from training.tabular.silencing import learn_filter


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "detector"
    events = {"person": EventKind.PERSON, "car": EventKind.VEHICLE}
    draft = Draft("tiny", "1.2.0", ModelKind.DETECTOR, ("person", "car"), events, Thresholds(0.6, 0.4), 3, "none")
    write_bundle(folder, models.detector(), draft)
    return folder


def checked(document: object, bundle: Path | None, folder: Path) -> tuple[int, str]:
    out = io.StringIO()
    assert isinstance(document, dict)
    return check(document, bundle, folder, folder, out), out.getvalue()


def test_a_good_configuration_says_what_it_would_do(detector: Path, tmp_path: Path) -> None:
    code, said = checked({"cameras": {"yard": {"labels": ["person"], "raise_at": "0.7"}}}, detector, tmp_path)
    assert code == 0
    assert "model tiny 1.2.0, detector, run by " in said
    assert "person -> person, car -> vehicle; needs no signature" in said
    assert "camera yard: person: raised at 0.7 in 3 frames, cleared at 0.4; rules anything; 0 zones, 0 lines\n" in said
    assert "learns" not in said
    assert "camera others: person, car: raised at 0.6 in 3 frames, cleared at 0.4;" in said
    assert "outbox: 10000 events, 168 hours; an event alarms for 3600 s; a camera is lost after 10 s\n" in said
    assert "pictures leave the device: no\n" in said


def test_a_camera_that_learns_its_scene_says_for_how_many_alerts_a_day(detector: Path, tmp_path: Path) -> None:
    _, said = checked({"cameras": {"yard": {"normal": "on", "alerts_a_day": "2"}}}, detector, tmp_path)
    assert "; learns its scene, for 2 alerts a day\n" in said


def test_a_disarmed_camera_is_said_to_be(detector: Path, tmp_path: Path) -> None:
    assert "camera yard: disarmed" in checked({"cameras": {"yard": {"armed": "false"}}}, detector, tmp_path)[1]


def test_a_label_that_the_model_does_not_know_is_named_with_those_that_it_knows(detector: Path, tmp_path: Path) -> None:
    code, said = checked({"cameras": {"yard": {"labels": ["person", "dog"]}}}, detector, tmp_path)
    assert code == 1
    assert ("wrong: cameras.yard.labels: 'dog' raises nothing with this model; it knows car, motion, person\n") in said


def test_a_label_of_a_rule_is_named_by_the_rules_key_with_the_closest_that_the_model_knows(
    detector: Path, tmp_path: Path
) -> None:
    rules = {"a": {"labels": ["persn"]}, "b": {"labels": ["car"]}}
    code, said = checked({"cameras": {"yard": {"rules": rules}}}, detector, tmp_path)
    assert code == 1
    assert said.count("wrong:") == 1
    assert "wrong: cameras.yard.rules.a.labels: 'persn' raises nothing with this model; it knows" in said
    assert said.endswith("did you mean person?\n")


def test_a_wrong_setting_is_named_with_its_remedy(detector: Path, tmp_path: Path) -> None:
    code, said = checked({"event_valid_s": "soon"}, detector, tmp_path)
    assert code == 1
    assert said.startswith("wrong: event_valid_s = 'soon':")


def test_each_wrong_setting_is_told(detector: Path, tmp_path: Path) -> None:
    code, said = checked({"event_valid_s": "soon", "outbox": {"max_events": 1}, "bundel": "x"}, detector, tmp_path)
    assert code == 1
    assert [line.split(" = ")[0] for line in said.splitlines()] == [
        "wrong: bundel",
        "wrong: event_valid_s",
        "wrong: outbox.max_events",
    ]


@pytest.mark.parametrize("bundle", [None, Path("/no/such/bundle")])
def test_a_bundle_that_is_not_there_is_named(bundle: Path | None, tmp_path: Path) -> None:
    code, said = checked({}, bundle, tmp_path)
    assert code == 1
    assert said.startswith("wrong: no bundle is named" if bundle is None else "wrong: /no/such/bundle")


def test_folders_that_cannot_be_used_are_named(detector: Path, tmp_path: Path) -> None:
    out = io.StringIO()
    assert check({}, detector, tmp_path / "none", tmp_path / "neither", out) == 1
    assert "wrong: " + str(tmp_path / "none") in out.getvalue()
    assert "wrong: " + str(tmp_path / "neither") in out.getvalue()


def test_the_command_checks_a_document_without_a_nucleus(
    detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "configuration.json"
    document.write_text(json.dumps({"cameras": {"yard": {}}}))
    assert main(["--check", "--configuration", str(document), "--bundle", str(detector)]) == 0
    assert "camera yard: " in capsys.readouterr().out
    assert main(["--check", "--configuration", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(option in told for option in ("--check", "--once", "--configuration", "--bundle", "--log-level"))


def beside(default: Path, folder: Path, name: str) -> Path:
    """A copy of a release's bundle, with another one in it."""
    shutil.copytree(default, folder)
    draft = Draft(
        name, "2.0", ModelKind.DETECTOR, ("dog", "cat"), {"dog": EventKind.ANIMAL}, Thresholds(0.5, 0.3), 3, "-"
    )
    write_bundle(folder / name, models.detector(), draft)
    return folder


def test_each_bundle_that_a_camera_names_is_opened_and_its_camera_is_judged_by_it(
    detector: Path, tmp_path: Path
) -> None:
    bundle = beside(detector, tmp_path / "current", "pets")
    cameras = {"yard": {"detector": "pets", "labels": ["dog"]}, "gate": {"labels": ["dog"]}}
    document = {"bundles": {"pets": "", "unused": "/none"}, "cameras": cameras}
    code, said = checked(document, bundle, tmp_path)
    assert code == 1
    assert "model tiny 1.2.0, detector" in said
    assert "model of bundle pets: pets 2.0, detector" in said
    assert "camera yard: dog: raised at 0.5 in 3 frames, cleared at 0.3;" in said
    assert said.count("wrong:") == 1
    assert "wrong: cameras.gate.labels: 'dog' raises nothing with this model" in said


def test_a_named_bundle_that_cannot_be_opened_is_told_with_its_key(detector: Path, tmp_path: Path) -> None:
    bundle = beside(detector, tmp_path / "current", "pets")
    (bundle / "pets" / "manifest.json").write_text("{}")
    code, said = checked({"bundles": {"pets": ""}, "cameras": {"yard": {"detector": "pets"}}}, bundle, tmp_path)
    assert code == 1
    assert said.startswith("wrong: bundles.pets: ")
    assert said.count("\n") == 1


def test_a_new_version_is_tried_with_each_bundle_in_use(
    detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = beside(detector, tmp_path / "current", "pets")
    monkeypatch.chdir(tmp_path)
    document = {"bundles": {"pets": ""}, "cameras": {"yard": {"detector": "pets"}}}
    MemoryFile(tmp_path / "configuration-understood").store(json.dumps(document).encode())
    call = ["--self-test", __version__, "--bundle", str(bundle)]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert "tiny 1.2.0 gives its golden answer" in said
    assert "pets 2.0 gives its golden answer" in said
    (bundle / "pets" / "model.tflite").write_bytes(b"damaged")
    assert main(call) == 1
    assert "model.tflite" in capsys.readouterr().err


def test_a_filter_is_opened_and_said_and_one_that_is_none_is_wrong(detector: Path, tmp_path: Path) -> None:
    folder = write_filter(tmp_path / "filter", learn_filter(judged_history(), linear), "3")
    code, said = checked({"filter": str(folder)}, detector, tmp_path)
    assert code == 0
    assert "filter events 3: holds back what was called false, never from critical on\n" in said
    code, said = checked({"filter": str(detector)}, detector, tmp_path)
    assert code == 1
    assert "wrong: " in said
    assert "kind: is detector, which looks at pictures: set it as `bundle`" in said
    code, said = checked({"bundle": str(folder)}, None, tmp_path)
    assert code == 1
    assert "set a filter as `filter`" in said
