"""How a rule fills a queue: by a role that trusts the broker, and may."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from standins.cloud.launcher.functions import NotStartedError
from standins.cloud.launcher.queues import fill_queues_as_iot_does
from standins.cloud.launcher.seams import Untyped
from tests.unit.standins.cloud.test_functions import QUEUE, ROLE, Answer, FakeIam, FakeIot

ACTION = {"sqs": {"queueUrl": "https://127.0.0.1:4566/000000000000/q", "roleArn": ROLE}}
TRUST = {"Statement": {"Principal": {"Service": "iot.amazonaws.com"}, "Action": "sts:AssumeRole", "Effect": "Allow"}}


@dataclass
class TrustingIam(FakeIam):
    """Allows roles to be taken on by the broker for the rules that it is told."""

    trusted: str = "arn:aws:iot:eu-west-1:000000000000:rule/mine"
    allowed: tuple[tuple[str, str, str], ...] = (("r", "sqs:SendMessage", QUEUE),)

    origin: tuple[str, bool] = ("", False)

    def __post_init__(self) -> None:
        self._allowed = self.allowed

    def pin_request_origin(self, source_ip: str, secure_transport: bool) -> None:  # noqa: FBT001 - ministack's
        self.origin = source_ip, secure_transport

    def evaluate_resource_policy(self, policy: object, question: Untyped, service: str) -> Answer:
        assert isinstance(policy, dict)
        trusts = bool(policy["Statement"]) and all(one["Resource"] == "*" for one in policy["Statement"])
        asked = (service, question.action, question.service_context["aws:sourcearn"])
        right = ("iot.amazonaws.com", "sts:AssumeRole", self.trusted)
        return Answer("Allow" if trusts and asked == right else "ImplicitDeny")


@dataclass
class FakeRoles:
    """The roles of an account."""

    trust: dict[str, object] = field(default_factory=lambda: {"r": json.dumps(TRUST)})

    def get_scoped(self, _account: str, _region: None, name: str) -> dict[str, object] | None:
        return {"AssumeRolePolicyDocument": self.trust[name]} if name in self.trust else None


def dispatch(rule: str, action: object, iam: Untyped, roles: FakeRoles) -> FakeIot:
    iot: Untyped = FakeIot()
    fill_queues_as_iot_does(iot, iam, roles)
    asyncio.run(iot._dispatch_rule_action("000000000000", "eu-west-1", rule, action, {"a": 1}))
    return iot  # type: ignore[no-any-return]


@pytest.mark.parametrize("trust", [TRUST, json.dumps(TRUST)])
def test_a_rule_whose_role_may_fills_its_queue(trust: object) -> None:
    iam = TrustingIam()
    assert dispatch("mine", ACTION, iam, FakeRoles({"r": trust})).others == [ACTION]
    assert iam.origin == ("127.0.0.1", True)


def test_a_role_that_trusts_another_rule_is_not_taken_on() -> None:
    with pytest.raises(NotStartedError, match=r"does not trust iot\.amazonaws\.com with .*rule/other"):
        dispatch("other", ACTION, TrustingIam(), FakeRoles())


@pytest.mark.parametrize("roles", [FakeRoles({}), FakeRoles({"r": None})])
def test_a_role_that_is_not_there_or_trusts_nobody_is_not_taken_on(roles: FakeRoles) -> None:
    with pytest.raises(NotStartedError, match="does not trust"):
        dispatch("mine", ACTION, TrustingIam(), roles)


def test_a_role_without_the_right_fills_nothing() -> None:
    iam = TrustingIam(allowed=(("r", "sqs:SendMessage", f"{QUEUE}-2"),))
    with pytest.raises(NotStartedError, match=f"may not send to {QUEUE}"):
        dispatch("mine", ACTION, iam, FakeRoles())


def test_other_actions_are_left_as_they_are() -> None:
    action = {"sns": {"targetArn": "arn:aws:sns:eu-west-1:000000000000:t"}}
    assert dispatch("mine", action, TrustingIam(), FakeRoles({})).others == [action]
