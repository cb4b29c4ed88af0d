"""The bus of a console that nobody has deployed: a running device's, or none."""

from collections.abc import Callable, Mapping
from typing import Final

from smartcam.contract.errors import BusUnavailable
from smartcam.edge.bus.port import DeviceBus, NoSubscription, OnMessage, Subscription

VARIABLES: Final = "console.json"
"""The variables with which a console reaches a nucleus on this machine, in its folder (`smartcam nucleus --guest`)."""


class BesideBus:
    """A `DeviceBus` whose configuration is the command line's. Without a device behind it, nothing is heard."""

    def __init__(self, device: DeviceBus | None, document: Mapping[str, object]) -> None:
        self._device = device
        self._document = document

    def publish_local(self, topic: str, payload: bytes) -> None:
        """See `DeviceBus`."""
        if self._device is None:
            raise BusUnavailable("no device runs here")
        self._device.publish_local(topic, payload)

    def subscribe_local(self, topic: str, on_message: OnMessage) -> Subscription:
        """See `DeviceBus`."""
        return NoSubscription() if self._device is None else self._device.subscribe_local(topic, on_message)

    def configuration(self) -> Mapping[str, object]:
        """What the command line says."""
        return self._document

    def on_configuration_change(self, _on_change: Callable[[], None]) -> Subscription:
        """It never changes."""
        return NoSubscription()

    def is_connected(self) -> bool:
        """See `DeviceBus`."""
        return self._device is not None and self._device.is_connected()
