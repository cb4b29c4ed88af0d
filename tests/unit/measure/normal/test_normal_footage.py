"""Looks of clips, kept as arrays, and the command around them."""

from pathlib import Path

import av
import numpy as np
import pytest

from measure.normal.__main__ import main
from measure.normal.footage import kept_looks
from smartcam.model.looks import Eye
from smartcam.vision.normal.look import BY_HAND, PLACES


def clip(path: Path, pictures: int = 12) -> Path:
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as writing:
        stream = writing.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        for _ in range(pictures):
            shown = rng.integers(0, 256, (64, 128, 3)).astype(np.uint8)
            writing.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="bgr24")))
        writing.mux(stream.encode())
    return path


def test_looks_of_a_clip_come_from_the_cache_the_second_time(tmp_path: Path) -> None:
    source, eye = clip(tmp_path / "one.mp4"), Eye(None)
    first = kept_looks(source, 2, eye, b"", tmp_path / "cache")
    assert first.features.shape == (6, PLACES, BY_HAND)
    assert first.step_s == pytest.approx(0.4)
    source.write_bytes(source.read_bytes()[:-1] + b"x")
    again = kept_looks(source, 2, eye, b"", tmp_path / "cache")
    assert np.array_equal(again.features, first.features)
    assert [look.regime for look in again] == [look.regime for look in first]
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_another_encoder_or_another_pace_is_looked_at_anew(tmp_path: Path) -> None:
    source, eye = clip(tmp_path / "one.mp4"), Eye(None)
    assert len(kept_looks(source, 2, eye, b"", tmp_path / "cache")) == 6
    assert len(kept_looks(source, 3, eye, b"", tmp_path / "cache")) == 4
    kept_looks(source, 2, eye, b"another", tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_without_clips_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shared", str(tmp_path), "--cache", str(tmp_path / "cache")]) == 2
    assert "no clips in" in capsys.readouterr().err
