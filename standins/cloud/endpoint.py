"""Where the local cloud can be reached, and the environment that points AWS clients there."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REGION: Final = "eu-west-1"
ACCOUNT: Final = "000000000000"
# ministack takes this key for the account's root and does not check its signatures.
ACCESS_KEY: Final = "test"
SECRET_KEY: Final = "test"  # noqa: S105 - a dummy that everybody may know
HOST: Final = "127.0.0.1"
# A person's own AWS settings must not reach the local cloud's clients, nor the other way round.
_FOREIGN: Final = ("AWS_", "CDK_", "BOTO_")


@dataclass(frozen=True, slots=True)
class CloudEndpoint:
    """Addresses and files of one running local cloud."""

    https_port: int
    mqtt_port: int
    authority: Path  # PEM: signs the HTTPS certificate
    iot_authority: Path  # PEM: signs the MQTT server's certificate
    cdk_home: Path

    @property
    def url(self) -> str:
        """The endpoint of all AWS services."""
        return f"https://{HOST}:{self.https_port}"

    def variables(self) -> Mapping[str, str]:
        """What an AWS client, the AWS CLI or the CDK CLI needs in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.authority),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NODE_EXTRA_CA_CERTS": str(self.authority),
            "CDK_HOME": str(self.cdk_home),
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
        }


def clean_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The environment without the user's AWS settings, and without proxies for this machine."""
    kept = {name: value for name, value in base.items() if not name.startswith(_FOREIGN)}
    return {**kept, "NO_PROXY": f"{HOST},localhost", "no_proxy": f"{HOST},localhost"}
