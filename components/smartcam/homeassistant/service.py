"""Tells the broker how cameras and events are, and takes its commands, whenever there is a broker."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus.port import ConfigurationSource
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import Bell, StopToken
from smartcam.edge.logs import log
from smartcam.edge.understood import Understood
from smartcam.homeassistant.arming import ArmingCommands
from smartcam.homeassistant.broker import BrokerAway, BrokerLine, Connect, Introduction
from smartcam.homeassistant.discovery import OFFLINE, ONLINE, CameraNews, Told, told_of_camera, told_of_device
from smartcam.homeassistant.following import FollowedEvents
from smartcam.homeassistant.heard import HeardHealth
from smartcam.homeassistant.kept import KeptByBroker
from smartcam.homeassistant.settings import HomeAssistantSettings
from smartcam.homeassistant.topics import HomeTopics

logger = logging.getLogger(__name__)

_STEP_S: Final = 0.5
_FIRST_S: Final = 1.0
_CEILING_S: Final = 300.0
_STEADY_NS: Final = 60 * NS_PER_S
"""A connection that was shorter counts as one that failed: two devices with one name throw each other out."""


@dataclass(frozen=True, slots=True)
class HomeDevice:
    """What the service tells of, and where its commands go."""

    thing: ThingName
    heard: HeardHealth
    followed: FollowedEvents
    commands: ArmingCommands
    kept: KeptByBroker


class HomeAssistantService:
    """Connects where its configuration says, and again and again; nobody waits for it."""

    def __init__(
        self,
        bus: ConfigurationSource,
        understood: Understood[HomeAssistantSettings],
        device: HomeDevice,
        connect: Connect,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self._bus = bus
        self._understood = understood
        self._device = device
        self._connect = connect
        self._clock = clock
        self._backoff = Backoff(_FIRST_S, _CEILING_S, random)
        self._bell = Bell()
        self._said = ""
        self._now = HomeAssistantSettings()
        self._told_before: dict[CameraId, tuple[CameraNews, Told]] = {}
        """Of each camera: a device with many would else be busy with saying the same twice a second."""

    def run(self, stop: StopToken) -> None:
        """Until `stop` is set. What keeps the broker away is said once, and tried again later and later."""
        change = self._bus.on_configuration_change(self._bell.set)
        try:
            while not stop.is_set():
                self._bell.clear()
                try:
                    settings = self._now = self._understood.now(self._bus, self._now, self._say)
                    if not settings.host:
                        self._bell.rest(stop, _CEILING_S)
                        continue
                    self._converse(settings, stop)
                except (SettingsError, BrokerAway) as error:
                    self._say(f"{error}")
                    self._bell.rest(stop, self._backoff.next())
        finally:
            change.close()

    def _converse(self, settings: HomeAssistantSettings, stop: StopToken) -> None:
        """Until the connection or this configuration is over. Raises BrokerAway, SettingsError."""
        topics = HomeTopics(self._device.thing, settings.topic_prefix, settings.discovery_prefix)
        name, will = topics.identity(None), (topics.status(), OFFLINE)
        self._device.commands.forget()
        line = self._connect(settings, Introduction(name, will, topics.commands(), self._device.commands.hear))
        began = self._clock.monotonic()
        log(logger, logging.INFO, "broker_connected", host=settings.host, port=settings.port)
        self._said = ""
        self._device.kept.begin_anew()
        self._told_before.clear()
        try:
            while not stop.is_set() and not self._is_over(settings):
                self._step(settings, topics, line)
                self._bell.rest(stop, _STEP_S)
        finally:
            line.close()
            if self._clock.monotonic() - began >= _STEADY_NS:
                self._backoff.reset()

    def _step(self, settings: HomeAssistantSettings, topics: HomeTopics, line: BrokerLine) -> None:
        """Tell what is news. Raises BrokerAway."""
        if line.end is not None:
            raise BrokerAway(line.end)
        device = self._device
        device.followed.step(pictures=settings.pictures)
        cameras = device.heard.cameras
        places: list[CameraId | None] = [None, *(one.camera_id for one in cameras or ())]
        device.commands.listen({topics.command(place): place for place in places})
        device.commands.step()
        device.kept.tell(self._told(settings, topics), line.publish, all_of_it=cameras is not None)

    def _told(self, settings: HomeAssistantSettings, topics: HomeTopics) -> Told:
        device, told = self._device, Told()
        cameras = device.heard.cameras
        if cameras is not None:
            told |= told_of_device(topics, cameras)
        for health in cameras or ():
            camera = health.camera_id
            newest, picture = device.followed.newest(camera)
            news = CameraNews(health, device.followed.on(camera), newest, picture)
            before = self._told_before.get(camera)
            if before is None or before[0] != news:
                before = self._told_before[camera] = news, told_of_camera(topics, news, pictures=settings.pictures)
            told |= before[1]
        # Last, so that nobody takes for news what the broker has kept of another day.
        return told | {topics.status(): ONLINE if device.heard.is_running else OFFLINE}

    def _is_over(self, settings: HomeAssistantSettings) -> bool:
        """Whether there is another configuration."""
        if not self._bell.is_set():
            return False
        self._bell.clear()
        try:
            return self._understood.now(self._bus, settings, self._say) != settings
        except SettingsError:
            return False

    def _say(self, reason: str) -> None:
        if reason != self._said:
            self._said = reason
            log(logger, logging.ERROR, "broker_away", error=reason)
