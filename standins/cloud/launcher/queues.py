"""How IoT Core fills a queue, which ministack simplifies: it takes on the rule's role, which must be allowed to."""

import functools
import json
from typing import Final

from standins.cloud.launcher.functions import NotStartedError
from standins.cloud.launcher.listeners import LOOPBACK
from standins.cloud.launcher.seams import Untyped

_BROKER: Final = "iot.amazonaws.com"


def fill_queues_as_iot_does(iot: Untyped, iam: Untyped, roles: Untyped) -> None:
    """Let a rule put messages only where its role may, and only a role that trusts the broker with this rule."""
    dispatch = iot._dispatch_rule_action  # noqa: SLF001

    @functools.wraps(dispatch)
    async def dispatch_action(account_id: str, region: str, rule_name: str, action: Untyped, event: Untyped) -> None:
        spec = action.get("sqs")
        if spec:
            rule_arn = f"arn:aws:iot:{region}:{account_id}:rule/{rule_name}"
            iam.pin_request_origin(LOOPBACK, True)  # the broker speaks TLS to the queue, whose policy wants that
            _check(iam, roles, str(spec.get("roleArn")), str(spec.get("queueUrl")), (account_id, region, rule_arn))
        await dispatch(account_id, region, rule_name, action, event)

    iot._dispatch_rule_action = dispatch_action  # noqa: SLF001


def _check(iam: Untyped, roles: Untyped, role_arn: str, queue_url: str, rule: tuple[str, str, str]) -> None:
    account_id, region, rule_arn = rule
    name = role_arn.rsplit("/", 1)[-1]
    role = roles.get_scoped(account_id, None, name) or {}
    trust = iam.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=region,
        service_context={"aws:sourcearn": rule_arn, "aws:sourceaccount": account_id},
    )
    document = _as_resource_policy(role.get("AssumeRolePolicyDocument"))
    if iam.evaluate_resource_policy(document, trust, service=_BROKER).decision != "Allow":
        raise NotStartedError(f"{role_arn} does not trust {_BROKER} with {rule_arn}")
    queue_arn = f"arn:aws:sqs:{region}:{account_id}:{queue_url.rsplit('/', 1)[-1]}"
    right = iam.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account_id,
        action="sqs:SendMessage",
        resource_arn=queue_arn,
        region=region,
    )
    policies = iam._gather_role_policies(name, account_id)  # noqa: SLF001
    if iam.evaluate(right, policies).decision != "Allow":
        raise NotStartedError(f"{role_arn} may not send to {queue_arn}")


def _as_resource_policy(trust: Untyped) -> Untyped:
    """A trust policy names no resource, because it stands on its role; the evaluation wants one."""
    document = json.loads(trust) if isinstance(trust, str) else trust or {}
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return {**document, "Statement": [{"Resource": "*", **one} for one in listed]}
