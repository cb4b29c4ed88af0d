from pathlib import Path

import pytest

from measure.tampering import HARMLESS, TAMPERINGS, main
from smartcam.vision.picture import Picture
from tests.clips import moving_square, write_clip


def test_the_help_names_the_verb_and_its_clips(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "usage: smartcam tampering [-h] CLIP [CLIP ...]" in capsys.readouterr().out


def test_a_clip_that_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.mp4")]) == 2
    assert capsys.readouterr().err.startswith("smartcam tampering: ")


def test_every_case_has_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("measure.tampering.TAMPERINGS", TAMPERINGS[:1])
    monkeypatch.setattr("measure.tampering.HARMLESS", HARMLESS[:1])
    pictures: list[Picture] = list(moving_square(frames=5))
    main([str(write_clip(tmp_path / "a.mp4", pictures))])
    said = capsys.readouterr().out
    assert said.startswith("1 clips, 2.5 pictures a second")
    assert "black                       within 2 s    raised 1 of 1" in said
    assert "of 2 cases right" in said
