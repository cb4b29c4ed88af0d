import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import SettingsError
from smartcam.vision.mask import PrivacyMask, check_masks, covered
from smartcam.vision.picture import Picture
from smartcam.vision.zone import Corner, Zone

LEFT = Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
TRIANGLE = Zone("triangle", ((0.1, 0.1), (0.9, 0.2), (0.5, 0.8)))


def coloured(width: int = 64, height: int = 48, seed: int = 0) -> Picture:
    rng = np.random.default_rng(seed)
    return Picture.from_i420(rng.integers(30, 230, width * height * 3 // 2, dtype=np.uint8), width, height)


def test_a_masked_picture_is_black_in_its_zone_and_untouched_elsewhere() -> None:
    picture = coloured()
    masked = PrivacyMask([LEFT]).apply(picture)
    assert (masked.y[:, :32] == 16).all()
    assert (masked.u[:, :16] == 128).all()
    assert (masked.v[:, :16] == 128).all()
    assert np.array_equal(masked.y[:, 34:], picture.y[:, 34:])
    assert np.array_equal(masked.u[:, 17:], picture.u[:, 17:])
    assert not masked.to_bgr()[:, :30].any()


def test_the_decoders_own_picture_is_never_written_to() -> None:
    picture = coloured()
    before = picture.y.copy(), picture.u.copy(), picture.v.copy()
    PrivacyMask([LEFT, TRIANGLE]).apply(picture)
    assert all(np.array_equal(*pair) for pair in zip(before, (picture.y, picture.u, picture.v), strict=True))


def test_without_masks_the_picture_itself_is_handed_on() -> None:
    picture = coloured()
    assert PrivacyMask([]).apply(picture) is picture


def test_pictures_of_another_size_are_masked_as_well() -> None:
    mask = PrivacyMask([LEFT])
    for width, height in ((64, 48), (32, 16), (128, 64), (64, 48)):
        masked = mask.apply(coloured(width, height))
        assert (masked.width, masked.height) == (width, height)
        assert (masked.y[:, : width // 2] == 16).all()
        assert (masked.y[:, width // 2 + 2 :] != 16).all()


def test_rows_that_lie_apart_are_masked_like_others() -> None:
    wide = coloured(128, 48)
    part = Picture(wide.y[:, :64], wide.u[:, :32], wide.v[:, :32])
    tight = Picture(part.y.copy(), part.u.copy(), part.v.copy())
    assert np.array_equal(PrivacyMask([TRIANGLE]).apply(part).y, PrivacyMask([TRIANGLE]).apply(tight).y)


sides = st.floats(0, 1, width=32).map(float)
triangles = st.tuples(st.tuples(sides, sides), st.tuples(sides, sides), st.tuples(sides, sides))


@settings(deadline=None)
@example(((0.0, 1.0), (1.0, 1.0), (1.0, 0.75)))
@example(((0.0, 1.0), (0.0, 1.0), (0.0, 1.0)))
@given(triangles)
def test_nothing_of_a_zone_can_be_seen(corners: tuple[Corner, Corner, Corner]) -> None:
    zone = Zone("any", corners)
    picture = coloured()
    masked = PrivacyMask([zone]).apply(picture)
    for row in range(48):
        for column in range(64):
            if zone.contains((column + 0.5) / 64, (row + 0.5) / 48):
                assert masked.y[row, column] == 16
                assert (masked.u[row // 2, column // 2], masked.v[row // 2, column // 2]) == (128, 128)


def test_a_zone_thinner_than_a_pixel_still_covers_what_it_touches() -> None:
    line = Zone("line", ((0.0, 0.5), (1.0, 0.5), (1.0, 0.501)))
    assert covered([line], 64, 48).any(axis=0).all()


def test_masks_that_leave_nothing_are_refused_by_name() -> None:
    everything = Zone("all", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    with pytest.raises(SettingsError, match=r"cameras\.yard\.masks.*cover the whole picture"):
        check_masks([everything], "cameras.yard.masks")
    right = Zone("right", ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))
    with pytest.raises(SettingsError, match="cover the whole picture"):
        check_masks([LEFT, right], "masks")
    check_masks([LEFT, TRIANGLE], "masks")
    check_masks([], "masks")
