"""How IoT Core starts a Lambda function, which ministack simplifies: permission, retries, on-failure destination."""

import contextvars
import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from standins.cloud.launcher.seams import Untyped

_LOG: Final = logging.getLogger(__name__)
# A worker is a Python process of some 40 MB; hundreds at once time out.
WORKERS: Final = 8
# A function that waits for one that it called keeps its place: the other must not wait for a place for ever.
_PLACE_LIMIT_S: Final = 30.0
_THROTTLED_AGAIN_S: Final = 0.2
_LONGEST_THROTTLING_S: Final = 6 * 3600.0
_ASYNCHRONOUS: Final = contextvars.ContextVar("asynchronous", default=False)


class NotStartedError(Exception):
    """The rule's action failed before the function ran: the rule's error action gets the event."""


def start_functions_as_iot_does(iot: Untyped, lambdas: Untyped, iam: Untyped) -> None:
    """Replace ministack's direct call of a rule's function by the asynchronous invocation of IoT Core."""
    dispatch = iot._dispatch_rule_action  # noqa: SLF001

    @functools.wraps(dispatch)
    async def dispatch_action(account_id: str, region: str, rule_name: str, action: Untyped, event: Untyped) -> None:
        function = (action.get("lambda") or {}).get("functionArn")
        if not function:
            await dispatch(account_id, region, rule_name, action, event)
            return
        record = _function_record(lambdas, account_id, region, function)
        rule_arn = f"arn:aws:iot:{region}:{account_id}:rule/{rule_name}"
        if not _may_start(iam, record, account_id, region, rule_arn):
            raise NotStartedError(f"{function} has no permission that lets iot.amazonaws.com start it for {rule_arn}")
        lambdas.invoke_async_with_retry(record, event)

    iot._dispatch_rule_action = dispatch_action  # noqa: SLF001


def _function_record(lambdas: Untyped, account_id: str, region: str, function: str) -> Untyped:
    func, config, _ = lambdas._get_func_record_for_ref_in_scope(  # noqa: SLF001
        function, account_id=account_id, region=region
    )
    if not func or not config:
        raise NotStartedError(f"{function} does not exist")
    return lambdas._execution_record_for_config(func, config)  # noqa: SLF001


def _may_start(iam: Untyped, record: Untyped, account_id: str, region: str, rule_arn: str) -> bool:
    question = iam.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=record["config"]["FunctionArn"],
        region=region,
        service_context={"aws:sourcearn": rule_arn, "aws:sourceaccount": account_id},
    )
    answer = iam.evaluate_resource_policy(record.get("policy"), question, service="iot.amazonaws.com")
    return bool(answer.decision == "Allow")


def send_failures_with_permission(lambdas: Untyped, iam: Untyped) -> None:
    """A failed event reaches its destination only if the function's role may send there."""
    route = lambdas._route_async_failure  # noqa: SLF001

    @functools.wraps(route)
    def route_failure(target_arn: str, func_name: str, event: Untyped, result: Untyped) -> None:
        record = lambdas._functions.get(func_name) or {}  # noqa: SLF001
        role_arn = record.get("config", {}).get("Role", "")
        if _role_may_send(iam, role_arn, target_arn):
            route(target_arn, func_name, event, result)
        else:
            _LOG.error("failure_lost function=%s role=%s may_not_send_to=%s", func_name, role_arn, target_arn)

    lambdas._route_async_failure = route_failure  # noqa: SLF001


_SEND_ACTIONS: Final = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}


def _role_may_send(iam: Untyped, role_arn: str, target_arn: str) -> bool:
    _, _, service, region, account_id, *_ = f"{target_arn}:::::".split(":")
    question = iam.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account_id,
        action=_SEND_ACTIONS.get(service, f"{service}:PutEvents"),
        resource_arn=target_arn,
        region=region,
    )
    policies = iam._gather_role_policies(role_arn.rsplit("/", 1)[-1], account_id)  # noqa: SLF001
    return bool(iam.evaluate(question, policies).decision == "Allow")


def keep_throttled_events(lambdas: Untyped, wait: Callable[[float], None] = time.sleep) -> None:
    """An event that finds its function busy is tried again, as AWS does for six hours, and costs no attempt."""
    invoke, execute = lambdas.invoke_async_with_retry, lambdas._execute_function  # noqa: SLF001

    @functools.wraps(invoke)
    def invoke_asynchronously(func: Untyped, event: Untyped) -> None:
        context = contextvars.copy_context()
        context.run(_ASYNCHRONOUS.set, True)
        context.run(invoke, func, event)

    @functools.wraps(execute)
    def execute_when_free(func: Untyped, event: Untyped) -> Untyped:
        result = execute(func, event)
        waited = 0.0
        while _ASYNCHRONOUS.get() and result.get("throttle") and waited < _LONGEST_THROTTLING_S:
            wait(_THROTTLED_AGAIN_S)
            waited += _THROTTLED_AGAIN_S
            result = execute(func, event)
        return result

    lambdas.invoke_async_with_retry = invoke_asynchronously
    lambdas._execute_function = execute_when_free  # noqa: SLF001


def limit_workers(lambdas: Untyped, places: int = WORKERS, limit_s: float = _PLACE_LIMIT_S) -> None:
    """Let at most `places` functions run at once; the others wait."""
    execute = lambdas._execute_function_warm  # noqa: SLF001
    free = threading.BoundedSemaphore(places)

    @functools.wraps(execute)
    def execute_in_turn(func: Untyped, event: Untyped, request_id: str) -> Untyped:
        got = free.acquire(timeout=limit_s)
        try:
            return execute(func, event, request_id)
        finally:
            if got:
                free.release()

    lambdas._execute_function_warm = execute_in_turn  # noqa: SLF001
