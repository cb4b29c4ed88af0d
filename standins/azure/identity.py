"""Who the module is, for the workload API that signs in its name and the hub that believes it."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote

_PREFIX: Final = "SharedAccessSignature "
API_VERSION: Final = "2019-01-30"


@dataclass(frozen=True, slots=True)
class ModuleIdentity:
    """A module of a device; only the workload API and the hub know its key."""

    device: str
    module: str
    hub: str
    generation: str
    key: bytes

    @property
    def client_id(self) -> str:
        """As which it connects."""
        return f"{self.device}/{self.module}"

    @property
    def resource(self) -> str:
        """What its tokens are for."""
        return f"{self.hub}/devices/{self.device}/modules/{self.module}"

    @property
    def events(self) -> str:
        """The beginning of the topics of its messages."""
        return f"devices/{self.device}/modules/{self.module}/messages/events/"

    def sign(self, text: bytes) -> str:
        """HMAC-SHA256 in base64."""
        return base64.b64encode(hmac.digest(self.key, text, hashlib.sha256)).decode()

    def is_token(self, token: str, now_s: float) -> bool:
        """Whether a shared access signature is the module's own and still good."""
        fields = dict(parse_qsl(token.removeprefix(_PREFIX)))
        resource, expiry = quote(self.resource, safe=""), fields.get("se", "")
        if not token.startswith(_PREFIX) or fields.get("sr") != self.resource or not expiry.isdecimal():
            return False
        wanted = self.sign(f"{resource}\n{expiry}".encode())
        return hmac.compare_digest(fields.get("sig", ""), wanted) and int(expiry) > now_s

    def environment(self, gateway: str, socket: Path) -> dict[str, str]:
        """What the IoT Edge agent gives a module."""
        return {
            "IOTEDGE_DEVICEID": self.device,
            "IOTEDGE_MODULEID": self.module,
            "IOTEDGE_IOTHUBHOSTNAME": self.hub,
            "IOTEDGE_GATEWAYHOSTNAME": gateway,
            "IOTEDGE_MODULEGENERATIONID": self.generation,
            "IOTEDGE_WORKLOADURI": f"unix://{socket}",
            "IOTEDGE_APIVERSION": API_VERSION,
        }
