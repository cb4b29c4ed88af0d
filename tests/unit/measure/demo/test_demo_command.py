"""`smartcam demo`: which bundle the plan holds."""

from pathlib import Path

import pytest

from measure.demo import command
from measure.demo.plan import DemoError, DemoPlan
from tests.fakes import models
from tests.fakes.model_catalogue import model_entry, write_catalogue
from tools.build.suite import DEMO_BUNDLE
from tools.model.command import main as model


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[DemoPlan]:
    """The plans of demos that were about to begin."""
    plans: list[DemoPlan] = []

    def check(plan: DemoPlan) -> None:
        plans.append(plan)
        raise DemoError("far enough")

    monkeypatch.setattr(DemoPlan, "check", check)
    return plans


def test_without_a_name_the_demo_takes_its_own_model(planned: list[DemoPlan]) -> None:
    assert command.main([]) == 2
    assert planned[0].bundle == DEMO_BUNDLE


def test_a_model_that_was_brought_without_a_network_is_the_demos(
    planned: list[DemoPlan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brought.tflite").write_bytes(models.detector())
    nowhere = model_entry("tiny", "https://model.invalid/tiny.tflite", models.detector())
    monkeypatch.setenv("SMARTCAM_CATALOGUE", str(write_catalogue(tmp_path / "catalogue.json", nowhere)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tools.model.getting.BUNDLES", tmp_path / "bundles")
    assert model(["get", "tiny", "--from", str(tmp_path / "brought.tflite")]) == 0
    assert command.main(["--model", "tiny", "--video", "clip.mp4"]) == 2
    assert planned[0].bundle == tmp_path / "bundles/tiny"
    assert planned[0].clip == Path("clip.mp4")


def test_a_folder_with_something_else_in_it_is_not_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(DemoPlan, "check", lambda _: None)
    monkeypatch.setattr("measure.demo.run.setup_cloud", lambda **_: pytest.fail("it has begun"))
    monkeypatch.setattr(command, "yard_clip", lambda *_: tmp_path / "clip.mp4")
    (tmp_path / "holiday.mp4").write_text("years of work")
    assert command.main(["--folder", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"smartcam demo: {tmp_path}: holds 'holiday.mp4', which is not ours and would be deleted; "
        "name a new or an empty folder\n"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["holiday.mp4"]
