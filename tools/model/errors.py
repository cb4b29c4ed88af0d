"""What can go wrong with a model of the catalogue."""

from smartcam.contract.errors import SmartcamError


class CatalogueError(SmartcamError):
    """A model of the catalogue cannot be had: what is wrong, and the remedy."""


class FetchError(CatalogueError):
    """A file cannot be brought here; `again` says that the same question may be answered another time."""

    def __init__(self, place: object, reason: str, *, again: bool = False) -> None:
        super().__init__(f"{place}: {reason}")
        self.again = again


class WrongBytes(FetchError):
    """It is not the file that the catalogue means."""
