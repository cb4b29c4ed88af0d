import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.contract.notice import PixelBox
from smartcam.vision.picture import Picture

RED_BGR = (0, 0, 255)
halves = st.integers(1, 40)


def filled(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, width * height * 3 // 2, dtype=np.uint8)


def smooth_bgr(width: int, height: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(1).integers(60, 200, (5, 7, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def strided(picture: Picture) -> Picture:
    """The same picture as a decoder lays it out: rows with padding behind them."""
    planes = []
    for plane in (picture.y, picture.u, picture.v):
        wide = np.full((plane.shape[0], plane.shape[1] + 32), 99, np.uint8)
        wide[:, : plane.shape[1]] = plane
        planes.append(wide[:, : plane.shape[1]])
    return Picture(*planes)


@given(halves, halves)
def test_i420_comes_back_as_it_went_in(half_width: int, half_height: int) -> None:
    width, height = 2 * half_width, 2 * half_height
    flat = filled(width, height)
    out = np.zeros_like(flat)
    picture = strided(Picture.from_i420(flat, width, height))
    picture.write_i420(out)
    assert np.array_equal(out, flat)
    assert (picture.width, picture.height, picture.nbytes) == (width, height, flat.size)


def test_a_picture_of_a_buffer_is_a_view_of_it() -> None:
    flat = np.zeros(8 * 4 * 3 // 2, np.uint8)
    picture = Picture.from_i420(flat, 8, 4)
    flat[:] = 7
    assert picture.luma is picture.y
    assert int(picture.luma[3, 7]) == int(picture.v[1, 3]) == 7


@pytest.mark.parametrize(
    ("y", "u", "v"),
    [
        ((4, 7), (2, 3), (2, 3)),
        ((3, 8), (1, 4), (1, 4)),
        ((4, 8), (2, 4), (2, 3)),
        ((4, 8), (4, 8), (4, 8)),
        ((0, 0), (0, 0), (0, 0)),
        ((32,), (8,), (8,)),
    ],
)
def test_planes_that_do_not_fit_together_are_refused(
    y: tuple[int, ...], u: tuple[int, ...], v: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"planes|even"):
        Picture(*(np.zeros(shape, np.uint8) for shape in (y, u, v)))


def test_planes_of_another_type_or_with_gaps_between_pixels_are_refused() -> None:
    half = np.zeros((2, 4), np.uint8)
    with pytest.raises(ValueError, match="uint8"):
        Picture(np.zeros((4, 8), np.float32), half, half)
    with pytest.raises(ValueError, match="contiguous"):
        Picture(np.zeros((4, 16), np.uint8)[:, ::2], half, half)


@pytest.mark.parametrize("size", [47, 49, 0])
def test_a_buffer_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="flat buffer of 48 bytes"):
        Picture.from_i420(np.zeros(size, np.uint8), 8, 4)
    with pytest.raises(ValueError, match="flat buffer of 48 bytes"):
        Picture.from_i420(np.zeros(48, np.uint8), 8, 4).write_i420(np.zeros(size, np.uint8))


def test_colours_survive_the_way_to_i420_and_back() -> None:
    bgr = smooth_bgr(64, 48)
    back = Picture.from_bgr(bgr).to_bgr()
    assert np.abs(back.astype(int) - bgr).mean() < 4


def test_an_odd_last_row_or_column_is_left_out() -> None:
    picture = Picture.from_bgr(smooth_bgr(65, 49))
    assert (picture.width, picture.height) == (64, 48)


def test_a_crop_is_red_where_the_picture_is_red_in_the_order_rgb() -> None:
    bgr = np.full((100, 200, 3), 40, np.uint8)
    cv2.rectangle(bgr, (60, 20), (99, 59), RED_BGR, -1)
    crop = Picture.from_bgr(bgr).crop(PixelBox(64, 24, 96, 56), (8, 8))
    assert crop[..., 0].min() > 240
    assert crop[..., 1:].max() < 15


@given(
    st.integers(-50, 250),
    st.integers(-50, 150),
    st.integers(1, 300),
    st.integers(1, 200),
    st.integers(1, 70),
    st.integers(1, 70),
)
def test_a_crop_has_the_wanted_size_or_there_is_nothing_to_crop(
    x: int, y: int, across: int, down: int, width: int, height: int
) -> None:
    picture = Picture.from_i420(filled(200, 100), 200, 100)
    box = PixelBox(x, y, x + across, y + down)
    if x >= 200 or y >= 100 or x + across <= 0 or y + down <= 0:
        with pytest.raises(ValueError, match="nothing to crop"):
            picture.crop(box, (width, height))
    else:
        crop = picture.crop(box, (width, height))
        assert crop.shape == (height, width, 3)
        assert crop.dtype == np.uint8


def test_a_crop_to_no_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to crop"):
        Picture.from_i420(filled(8, 4), 8, 4).crop(PixelBox(0, 0, 8, 4), (0, 4))


def test_a_crop_of_everything_at_full_size_is_the_picture() -> None:
    picture = Picture.from_bgr(smooth_bgr(64, 48))
    crop = picture.crop(PixelBox(0, 0, 64, 48), (64, 48))
    assert np.array_equal(crop[..., ::-1], picture.to_bgr())


@pytest.mark.parametrize("size", [(300, 300), (96, 96), (301, 151), (40, 500), (1500, 900)])
def test_a_scaled_crop_looks_like_the_picture_scaled(size: tuple[int, int]) -> None:
    picture = Picture.from_bgr(smooth_bgr(1280, 720))
    scaled = cv2.resize(picture.to_bgr()[..., ::-1], size, interpolation=cv2.INTER_AREA)
    assert np.abs(picture.crop(PixelBox(0, 0, 1280, 720), size).astype(int) - scaled).mean() < 3


def test_padding_behind_rows_never_shows() -> None:
    picture = Picture.from_bgr(smooth_bgr(64, 48))
    padded = strided(picture)
    box = PixelBox(10, 6, 64, 48)
    assert np.array_equal(padded.crop(box, (31, 20)), picture.crop(box, (31, 20)))
    assert np.array_equal(padded.to_bgr(), picture.to_bgr())


def test_two_pictures_are_equal_only_if_they_are_the_same_one() -> None:
    flat = filled(8, 4)
    picture = Picture.from_i420(flat, 8, 4)
    same, other = picture, Picture.from_i420(flat, 8, 4)
    assert picture == same
    assert picture != other
