"""The picture that a maker brings: read whole, or one sentence that names it."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from tools.bundle.picture import LARGEST_FILE, read_picture

RED_ABOVE = np.zeros((40, 60, 3), np.uint8)
RED_ABOVE[:20] = (0, 0, 250)  # as cv2 has it: blue, green, red


def written(folder: Path, suffix: str, bgr: np.ndarray = RED_ABOVE) -> Path:  # type: ignore[type-arg]
    path = folder / f"a picture{suffix}"
    path.write_bytes(cv2.imencode(suffix, bgr)[1].tobytes())
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_photograph_comes_as_rgb(suffix: str, tmp_path: Path) -> None:
    rgb = read_picture(written(tmp_path, suffix))
    assert rgb.shape == (40, 60, 3)
    assert rgb.dtype == np.uint8
    np.testing.assert_allclose(rgb[5, 5], (250, 0, 0), atol=6)
    np.testing.assert_allclose(rgb[35, 5], 0, atol=6)


@pytest.mark.parametrize(
    "bgr", [RED_ABOVE[..., 2], np.dstack((RED_ABOVE, RED_ABOVE[..., 2])), RED_ABOVE.astype(np.uint16) * 257],
    ids=["grey", "with transparency", "16 bits"],
)  # fmt: skip
def test_a_png_of_another_depth_comes_as_rgb_too(bgr: np.ndarray, tmp_path: Path) -> None:  # type: ignore[type-arg]
    assert read_picture(written(tmp_path, ".png", bgr)).shape == (40, 60, 3)


def test_a_photograph_that_was_taken_upright_is_upright(tmp_path: Path) -> None:
    jpeg = written(tmp_path, ".jpg").read_bytes()
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)  # orientation: turned to the right
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)
    path = tmp_path / "turned.jpg"
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    assert read_picture(path).shape == (60, 40, 3)


def png_of(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(32)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "must be a JPEG or a PNG"),
        (b"GIF89a" + bytes(100), "must be a JPEG or a PNG"),
        (b"\xff\xd8\xff", "must be a JPEG or a PNG"),
        (b"\x89PNG\r\n\x1a\n", "must be a JPEG or a PNG"),
        (png_of(40000, 40000), "is 40000x40000; it must have at least 16 pixels a side and at most 50 million in all"),
        (png_of(0, 100), "is 0x100; it must have at least 16"),
        (png_of(64, 64), "is damaged: it cannot be decoded"),
        (bytes(LARGEST_FILE + 1), "must have at most 32 MiB"),
    ],
    ids=["nothing", "a GIF", "the head of a JPEG", "the head of a PNG", "a bomb", "no width", "damaged", "a film"],
)
def test_what_is_no_photograph_is_named_with_the_reason(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=f"^--golden {path}: {complaint}"):
        read_picture(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(ContractError, match=f"^--golden {path}: cannot be read"):
            read_picture(path)


@settings(max_examples=20, deadline=None)  # some say that they are large, and are decoded
@given(place=st.integers(0, 1 << 30), change=st.integers(1, 255), suffix=st.sampled_from([".jpg", ".png"]))
def test_a_damaged_photograph_is_a_picture_or_an_error_of_ours(
    place: int, change: int, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("damaged"), suffix)
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= change
    path.write_bytes(content)
    try:
        picture = read_picture(path)
    except ContractError:
        return
    assert picture.shape[2] == 3
