"""What the tests of exports share."""

from collections.abc import Iterator, Sequence
from functools import cache

import pytest


@pytest.fixture(scope="session")
def drawn_once() -> Iterator[None]:
    """The held-out yards are drawn by the first export; the others see the same pictures."""
    # Here, for the tests of Azure's module have an environment without training.
    from measure.export import footage  # noqa: PLC0415
    from training.drawn_films import YardSlides  # noqa: PLC0415
    from training.footage.film import Shot  # noqa: PLC0415

    @cache
    def shots(seed: int, pairs: int) -> Sequence[Shot]:
        return tuple(YardSlides(seed, pairs).shots())

    class Slides:
        def __init__(self, seed: int, pairs: int) -> None:
            self._shots = shots(seed, pairs)

        def shots(self) -> Iterator[Shot]:
            return iter(self._shots)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(footage, "YardSlides", Slides)
        yield
