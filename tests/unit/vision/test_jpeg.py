import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.notice import PixelBox
from smartcam.vision.jpeg import decode_jpeg, encode_jpeg, fitted, scaled_box
from smartcam.vision.picture import Picture
from tests.clips import moving_square

SQUARE = list(moving_square(640, 480, frames=12, step=20))[-1]
sides = st.integers(2, 4000)


def test_a_picture_comes_back_smaller_and_nearly_the_same() -> None:
    jpeg = encode_jpeg(SQUARE, (320, 240), 100_000)
    back = decode_jpeg(jpeg, 320, 240)
    direct = cv2.resize(SQUARE.y, (320, 240), interpolation=cv2.INTER_AREA)
    assert (back.width, back.height) == (320, 240)
    assert float(cv2.absdiff(back.y, direct).mean()) < 3
    assert abs(int(back.u.mean()) - 120) <= 3
    assert abs(int(back.v.mean()) - 140) <= 3


def test_what_does_not_fit_is_made_worse_until_it_does() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    picture = Picture.from_bgr(noise)
    large = encode_jpeg(picture, (320, 240), 1_000_000)
    small = encode_jpeg(picture, (320, 240), len(large) - 1)
    assert len(small) < len(large)
    with pytest.raises(ValueError, match="does not fit into 500 bytes"):
        encode_jpeg(picture, (320, 240), 500)


@given(sides, sides, st.integers(160, 1920))
def test_a_fitted_size_is_even_small_enough_and_of_the_same_shape(width: int, height: int, longest: int) -> None:
    wide, high = fitted(width, height, longest)
    assert wide % 2 == high % 2 == 0
    assert 2 <= wide <= max(width, 2)
    assert 2 <= high <= max(height, 2)
    assert max(wide, high) <= longest
    if min(wide, high) > 20:
        assert wide / high == pytest.approx(width / height, rel=0.15)


@given(st.data())
def test_a_scaled_box_is_inside_and_covers_the_box(data: st.DataObject) -> None:
    source = data.draw(st.tuples(sides, sides))
    target = fitted(*source, data.draw(st.integers(160, 1920)))
    x1, y1 = data.draw(st.integers(0, source[0] - 1)), data.draw(st.integers(0, source[1] - 1))
    box = PixelBox(x1, y1, data.draw(st.integers(x1 + 1, source[0])), data.draw(st.integers(y1 + 1, source[1])))
    scaled = scaled_box(box, source, target)
    assert 0 <= scaled.x1 < scaled.x2 <= target[0]
    assert 0 <= scaled.y1 < scaled.y2 <= target[1]
    assert scaled.x1 * source[0] <= box.x1 * target[0]
    assert scaled.x2 * source[0] >= min(box.x2, source[0]) * target[0] or scaled.x2 == target[0]


@pytest.mark.parametrize(
    "jpeg", [b"", b"\xff\xd8", b"\xff\xd8\xff\xc0", b"GIF89a" + b"x" * 50, b"\xff\xd8" + b"\xff" * 40]
)
def test_what_is_no_jpeg_is_refused(jpeg: bytes) -> None:
    with pytest.raises(ValueError, match="not a JPEG"):
        decode_jpeg(jpeg, 320, 240)


def test_another_size_than_announced_is_refused_before_it_is_decoded() -> None:
    jpeg = bytearray(encode_jpeg(SQUARE, (320, 240), 100_000))
    with pytest.raises(ValueError, match="not a JPEG of 640x480: 320x240"):
        decode_jpeg(bytes(jpeg), 640, 480)
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(ValueError, match="65535x65535"):
        decode_jpeg(bytes(jpeg), 320, 240)


@given(st.data())
def test_a_damaged_jpeg_gives_a_picture_of_its_size_or_a_value_error(data: st.DataObject) -> None:
    jpeg = bytearray(encode_jpeg(SQUARE, (64, 48), 100_000))
    for _ in range(data.draw(st.integers(1, 5))):
        jpeg[data.draw(st.integers(0, len(jpeg) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(jpeg[: data.draw(st.integers(0, len(jpeg)))])
    try:
        picture = decode_jpeg(cut, 64, 48)
    except ValueError:
        return
    assert (picture.width, picture.height) == (64, 48)
