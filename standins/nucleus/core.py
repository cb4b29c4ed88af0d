"""The nucleus without its recipe runner: components' tokens, configuration, IPC and IoT Core."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.nucleus.cloud import Cloud, CloudMessage
from standins.nucleus.configuration import ConfigurationStore
from standins.nucleus.gateways import DirectGateway, Gateway, SpoolingGateway
from standins.nucleus.journal import Journal
from standins.nucleus.operations import IpcOperations
from standins.nucleus.profile import Profile
from standins.nucleus.server import IpcServer

SOCKET_NAME: Final = "gg-ipc.socket"


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """What a nucleus knows of the machine it runs on."""

    root: Path
    thing: str
    socket_path: Path
    region: str = "eu-west-1"
    root_ca: str = ""


class NucleusCore:
    """Serves components over IPC. Everything but `environment` belongs to one event loop."""

    def __init__(
        self, device: SystemSettings, profile: Profile, store: ConfigurationStore, cloud: Cloud, journal: Journal
    ) -> None:
        self.device = device
        self.profile = profile
        self.store = store
        self.cloud = cloud
        self.journal = journal
        self.gateway: Gateway = (
            DirectGateway(cloud, journal) if profile.spool is None else SpoolingGateway(cloud, journal, profile.spool)
        )
        self._tokens: dict[str, str] = {}
        self._components: dict[str, str] = {}
        self.operations = IpcOperations(profile, store, cloud, self.gateway, journal)
        self.server = IpcServer(profile, self.operations, self._components.get, journal)
        store.listener = self.operations.configuration_changed

    def register(self, component: str) -> str:
        """The token of a component, made at the first call since the IPC server was started."""
        if component not in self._tokens:
            token = base64.b64encode(secrets.token_bytes(12)).decode()
            self._tokens[component] = token
            self._components[token] = component
        return self._tokens[component]

    def environment(self, component: str) -> Mapping[str, str]:
        """The variables that the nucleus gives to a component's scripts."""
        token = self.register(component)
        return {
            "SVCUID": token,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
            "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT": str(self.device.socket_path),
            "AWS_IOT_THING_NAME": self.device.thing,
            "AWS_REGION": self.device.region,
            "AWS_DEFAULT_REGION": self.device.region,
            "GGC_VERSION": self.profile.version,
            "GG_ROOT_CA_PATH": self.device.root_ca,
        }

    async def start(self) -> None:
        """Serve components and connect to IoT Core. Raises OSError when the socket cannot be bound."""
        await self.server.start(self.device.socket_path)
        self.cloud.start(self._deliver, self._note_cloud)

    async def stop_ipc(self) -> None:
        """The IPC server dies alone; on lite every token dies with it."""
        await self.server.stop()
        if not self.profile.tokens_outlive_the_server:
            self._tokens.clear()
            self._components.clear()

    async def start_ipc(self) -> None:
        """The IPC server is started again, without any subscription. Raises OSError."""
        await self.server.start(self.device.socket_path)

    async def stop(self) -> None:
        """End all connections; nothing is left behind but files below the root."""
        await self.server.stop()
        await self.gateway.stop()
        await self.cloud.stop()

    def _deliver(self, topic: str, payload: bytes) -> None:
        self.operations.deliver_cloud(CloudMessage(topic, payload))

    def _note_cloud(self, connected: bool, reason: str) -> None:  # noqa: FBT001  the shape of Notice
        self.journal.write("cloud_state", connected=connected, reason=reason or None)
        self.gateway.connection(up=connected)
