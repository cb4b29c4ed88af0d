"""From metres in the yard to pixels in the picture."""

from dataclasses import dataclass

from training.yard.brush import Point
from training.yard.spec import Viewpoint


@dataclass(frozen=True, slots=True)
class Lens:
    """A level camera: its horizon is shifted instead of the camera tilted, so that verticals stay vertical."""

    viewpoint: Viewpoint
    width: int
    height: int

    def scale(self, z: float) -> float:
        """Pixels per metre at distance z."""
        return self.viewpoint.focal * self.height / z

    def point(self, x: float, above: float, z: float) -> Point:
        """The pixel (column, row) of a place `above` the ground at (x, z)."""
        scale = self.scale(z)
        return (
            self.width / 2 + scale * x,
            self.viewpoint.horizon * self.height + scale * (self.viewpoint.height_m - above),
        )

    def edge(self, z: float) -> float:
        """How far to the side the picture reaches at distance z, in metres."""
        return self.width / 2 / self.scale(z)

    def nearest(self, row: float) -> float:
        """The distance of the ground that appears at `row`, a share of the picture's height below the horizon."""
        return self.viewpoint.focal * self.viewpoint.height_m / (row - self.viewpoint.horizon)
