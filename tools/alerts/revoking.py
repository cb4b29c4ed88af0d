"""Revoke a device that was stolen or that floods: the broker takes nothing more of it, and nobody is told of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from smartcam.contract.ids import ThingName
from tools.session import error_code


class Revocations(Protocol):
    """Where it is stored that a thing is revoked."""

    def revoke(self, thing: ThingName) -> None:
        """Take nothing more of a thing, and tell nobody of it."""

    def reinstate(self, thing: ThingName) -> bool:
        """Take a revocation back; False where there was none."""

    def is_revoked(self, thing: ThingName) -> bool:
        """Whether it is revoked."""


@dataclass(frozen=True, slots=True)
class Revoking:
    """Revokes things. `iot` is boto3's client of IoT Core."""

    revocations: Revocations
    iot: Any

    def revoke(self, thing: ThingName) -> str:
        """Revoke a thing and its certificates; what was done, in words. Raises what AWS raises.

        The alerting hears of it first: a certificate that cannot be deactivated must not keep a flood going.
        """
        self.revocations.revoke(thing)
        certificates = list(self._certificates(thing))
        for certificate in certificates:
            self.iot.update_certificate(certificateId=certificate, newStatus="INACTIVE")
        named = ", ".join(f"{certificate[:12]}..." for certificate in certificates)
        if not certificates:
            return f"{thing} is revoked; it has no certificate that could be deactivated"
        return f"{thing} is revoked, and so are its certificates ({named}): it is disconnected within minutes"

    def is_known(self, thing: ThingName) -> bool:
        """Whether the broker knows a certificate of it. Raises what AWS raises."""
        return next(self._certificates(thing), None) is not None

    def reinstate(self, thing: ThingName) -> str | None:
        """Take that back; what is left to do, None where the thing was not revoked."""
        if not self.revocations.reinstate(thing):
            return None
        command = "aws iot update-certificate --new-status ACTIVE --certificate-id ID"
        return f"{thing} is taken again; activate the certificate that it is to use by hand: {command}"

    def _certificates(self, thing: ThingName) -> Iterator[str]:
        """Their ids; a thing may have other principals, which connect no device."""
        more: dict[str, str] = {}
        while True:
            try:
                page = self.iot.list_thing_principals(thingName=thing, **more)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
                return
            yield from (arn.rsplit(":cert/", 1)[1] for arn in page["principals"] if ":cert/" in arn)
            if not page.get("nextToken"):
                return
            more = {"nextToken": page["nextToken"]}
