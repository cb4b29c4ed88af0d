"""What is learned survives a restart, and bytes that are something else are refused."""

import numpy as np
import pytest

from smartcam.vision.memory import pack_planes, unpack_planes

MARK, SHAPE = b"smctest1", (96, 128)
PLANES = np.random.default_rng(1).integers(0, 256, (2, 96, 128)).astype(np.float32)


def test_planes_come_back_as_they_were() -> None:
    known = unpack_planes(pack_planes(MARK, SHAPE, list(PLANES)), MARK, 2)
    assert known is not None
    assert known[0] == SHAPE
    np.testing.assert_array_equal(known[1], PLANES)


def test_levels_are_rounded_and_clipped() -> None:
    known = unpack_planes(pack_planes(MARK, (2, 2), [np.array([[-3, 300], [1.6, 1.4]], np.float32)]), MARK, 1)
    assert known is not None
    np.testing.assert_array_equal(known[1], [[[0, 255], [2, 1]]])


@pytest.mark.parametrize(
    "memory",
    [
        b"",
        pack_planes(MARK, SHAPE, list(PLANES))[:-1],
        pack_planes(b"smctest2", SHAPE, list(PLANES)),
        pack_planes(MARK, SHAPE, list(PLANES[:1])),
        pack_planes(MARK, (480, 640), list(PLANES)),
    ],
    ids=["nothing", "cut off", "of another kind", "too few planes", "not the size that such a picture shrinks to"],
)
def test_bytes_that_do_not_fit_are_refused(memory: bytes) -> None:
    assert unpack_planes(memory, MARK, 2) is None
