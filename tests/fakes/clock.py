"""A clock that stands still until it is told to move."""

from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs

SOME_DAY = UtcNs(1_772_366_400 * NS_PER_S)
"""2026-03-01T12:00:00Z."""


class FakeClock:
    def __init__(self, utc: int = SOME_DAY, mono: int = 1000 * NS_PER_S, *, synced: bool = True) -> None:
        self._utc = utc
        self._mono = mono
        self._boot = 1
        self.is_synced = synced

    def utc(self) -> UtcNs:
        return UtcNs(self._utc)

    def monotonic(self) -> MonotonicNs:
        return MonotonicNs(self._mono)

    def synced(self) -> bool:
        return self.is_synced

    def boot_id(self) -> str:
        return f"boot-{self._boot}"

    def advance(self, seconds: float) -> None:
        """Time goes by on both clocks."""
        self._utc += round(seconds * NS_PER_S)
        self._mono += round(seconds * NS_PER_S)

    def step_utc(self, seconds: float) -> None:
        """Somebody sets the clock: UTC moves, nothing has happened."""
        self._utc += round(seconds * NS_PER_S)

    def reboot(self, utc_error_s: float = 0.0) -> None:
        """A power cut on a machine without clock chip: monotonic begins anew, UTC may be off."""
        self._boot += 1
        self._mono = NS_PER_S
        self.step_utc(utc_error_s)
