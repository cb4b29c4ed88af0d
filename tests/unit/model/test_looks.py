"""From pictures to looks."""

import numpy as np
import pytest

from smartcam.model.encoder import open_place_encoder
from smartcam.model.looks import Eye
from smartcam.vision.normal.look import BY_HAND, PLACES, Regime
from smartcam.vision.picture import Picture

GREY = Picture.from_bgr(np.full((128, 256, 3), 90, np.uint8))


@pytest.mark.parametrize("encoded", [True, False])
def test_a_look_has_the_hands_numbers_and_the_encoders_if_there_is_one(encoded: bool) -> None:  # noqa: FBT001
    eye = Eye(open_place_encoder() if encoded else None)
    look = eye.look(GREY, None)
    assert eye.width == BY_HAND + (16 if encoded else 0)
    assert look.features.shape == (PLACES, eye.width)
    assert look.regime is Regime.INFRARED
