"""Tells the broker how cameras and events are, and takes its commands, whenever there is a broker."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus.port import ConfigurationSource
from smartcam.edge.clock import Clock
from smartcam.edge.configured import Configured
from smartcam.edge.lifecycle import StopToken
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
        self._configured = Configured(bus, understood, HomeAssistantSettings(), _say)
        self._device = device
        self._connect = connect
        self._clock = clock
        self._backoff = Backoff(_FIRST_S, _CEILING_S, random)
        self._told_before: dict[CameraId, tuple[CameraNews, Told]] = {}
        """Of each camera: a device with many would else be busy with saying the same twice a second."""

    def run(self, stop: StopToken) -> None:
        """Until `stop` is set. What keeps the broker away is said once, and tried again later and later."""
        self._configured.run(stop, partial(self._converse, stop), (BrokerAway,), self._backoff.next)

    def _converse(self, stop: StopToken, settings: HomeAssistantSettings) -> None:
        """Until the connection or this configuration is over. Raises BrokerAway, SettingsError."""
        if not settings.host:
            self._configured.rest(stop, _CEILING_S)
            return
        topics = HomeTopics(self._device.thing, settings.topic_prefix, settings.discovery_prefix)
        name, will = topics.identity(None), (topics.status(), OFFLINE)
        self._device.commands.forget()
        line = self._connect(settings, Introduction(name, will, topics.commands(), self._device.commands.hear))
        began = self._clock.monotonic()
        log(logger, logging.INFO, "broker_connected", host=settings.host, port=settings.port)
        self._configured.works()
        self._device.kept.begin_anew()
        self._told_before.clear()
        try:
            while not stop.is_set() and not self._configured.is_over():
                self._step(settings, topics, line)
                self._configured.rest(stop, _STEP_S)
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


def _say(reason: str) -> None:
    log(logger, logging.ERROR, "broker_away", error=reason)
