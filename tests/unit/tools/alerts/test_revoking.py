"""Revoking a device: what the broker is asked, and in which order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ClientError

from smartcam.contract.ids import ThingName
from tests.fakes.aws import FakeGuards
from tools.alerts.revoking import Revoking

YARD = ThingName("yard-1")
ARN = "arn:aws:iot:eu-west-1:123456789012:cert/"


@dataclass
class FakeIot:
    """IoT Core, which lists one principal a page."""

    principals: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deactivated: list[str] = field(default_factory=list)
    down: bool = False

    def list_thing_principals(self, *, thingName: str, nextToken: str = "0") -> dict[str, object]:  # noqa: N803 - AWS's
        if thingName not in self.principals:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "ListThingPrincipals")
        at, found = int(nextToken), self.principals[thingName]
        more = {"nextToken": str(at + 1)} if at + 1 < len(found) else {}
        return {"principals": list(found[at : at + 1]), **more}

    def update_certificate(self, *, certificateId: str, newStatus: str) -> None:  # noqa: N803 - AWS's
        if self.down:
            raise ClientError({"Error": {"Code": "ServiceUnavailableException", "Message": "no"}}, "UpdateCertificate")
        assert newStatus == "INACTIVE"
        self.deactivated.append(certificateId)


def test_every_certificate_of_a_revoked_thing_is_deactivated_and_nothing_else() -> None:
    iot = FakeIot({YARD: [f"{ARN}a1", "eu-west-1:cognito-identity", f"{ARN}b2"], "yard-2": [f"{ARN}c3"]})
    guards = FakeGuards()
    assert "is revoked, and so are its certificates (a1..., b2...)" in Revoking(guards, iot).revoke(YARD)
    assert iot.deactivated == ["a1", "b2"]
    assert guards.is_revoked(YARD)
    assert not guards.is_revoked(ThingName("yard-2"))


@pytest.mark.parametrize("iot", [FakeIot(), FakeIot({YARD: []})])
def test_a_thing_that_the_broker_does_not_know_is_revoked_in_the_alerting_all_the_same(iot: FakeIot) -> None:
    guards = FakeGuards()
    assert Revoking(guards, iot).revoke(YARD).endswith("it has no certificate that could be deactivated")
    assert guards.is_revoked(YARD)


def test_the_alerting_stops_even_where_the_broker_does_not_answer() -> None:
    guards = FakeGuards()
    with pytest.raises(ClientError):
        Revoking(guards, FakeIot({YARD: [f"{ARN}a1"]}, down=True)).revoke(YARD)
    assert guards.is_revoked(YARD)


def test_who_was_not_revoked_has_nothing_to_take_back() -> None:
    revoking = Revoking(FakeGuards(), FakeIot())
    assert revoking.reinstate(YARD) is None
    revoking.revoke(YARD)
    assert "by hand" in (revoking.reinstate(YARD) or "")
