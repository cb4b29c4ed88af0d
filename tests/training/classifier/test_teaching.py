"""What a network is shown and told."""

import numpy as np

from training.classifier.teaching import says_where
from training.footage.gathering import Examples, Looks


def test_footage_says_where_the_target_is_only_if_it_says_so_of_each_picture_that_shows_it() -> None:
    looks = Looks.of([(True, 0.0, 0, False), (False, 1.0, 0, False), (True, 2.0, 0, False)])
    boxes = np.array([[0.1, 0.1, 0.2, 0.2], [0, 0, 0, 0], [0.1, 0.1, 0.2, 0.2]], np.float32)
    rgb = np.zeros((3, 96, 160, 3), np.uint8)
    assert says_where(Examples(rgb, looks, boxes))
    boxes[2] = 0
    assert not says_where(Examples(rgb, looks, boxes))
