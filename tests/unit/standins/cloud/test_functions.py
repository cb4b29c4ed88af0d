"""How a rule starts a function: permission, throttling, places, failures."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from standins.cloud.launcher.functions import (
    NotStartedError,
    keep_throttled_events,
    limit_workers,
    send_failures_with_permission,
    start_functions_as_iot_does,
)
from standins.cloud.launcher.seams import Untyped

FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function:f"
QUEUE = "arn:aws:sqs:eu-west-1:000000000000:q"
ROLE = "arn:aws:iam::000000000000:role/r"


@dataclass
class Answer:
    decision: str


class FakeIam:
    """Allows what it was told to."""

    def __init__(self, *allowed: tuple[str, str, str]) -> None:
        self._allowed = allowed

    @dataclass
    class EvalContext:
        principal_arn: str
        principal_type: str
        principal_account: str
        action: str
        resource_arn: str
        region: str
        service_context: dict[str, str] | None = None

    def evaluate_resource_policy(self, policy: object, question: Untyped, service: str) -> Answer:
        asked = (service, question.resource_arn, question.service_context["aws:sourcearn"])
        return Answer("Allow" if policy == "policy" and asked in self._allowed else "ImplicitDeny")

    def evaluate(self, question: Untyped, policies: list[str]) -> Answer:
        allowed = any((name, question.action, question.resource_arn) in self._allowed for name in policies)
        return Answer("Allow" if allowed else "ImplicitDeny")

    def _gather_role_policies(self, name: str, _account: str) -> list[str]:
        return [name]


class FakeLambdas:
    """The part of ministack's Lambda module that is used."""

    def __init__(self, *functions: str) -> None:
        self._functions = {"f": {"config": {"Role": ROLE}}}
        self._known = functions
        self.started: list[object] = []
        self.routed: list[str] = []
        self.results: list[dict[str, object]] = []
        self.warm: Callable[[], None] = lambda: None

    def _get_func_record_for_ref_in_scope(self, ref: str, *, account_id: str, region: str) -> Untyped:
        if ref not in self._known:
            return None, None, account_id + region
        return {"policy": "policy"}, {"FunctionArn": ref}, "f"

    def _execution_record_for_config(self, func: Untyped, config: Untyped) -> Untyped:
        return {**func, "config": config}

    def invoke_async_with_retry(self, _func: object, event: object) -> None:
        self.started.append(event)

    def _execute_function(self, _func: object, _event: object) -> dict[str, object]:
        return self.results.pop(0)

    def _execute_function_warm(self, _func: object, _event: object, _request_id: str) -> None:
        self.warm()

    def _route_async_failure(self, target: str, _name: str, _event: object, _result: object) -> None:
        self.routed.append(target)


class FakeIot:
    """The part of ministack's IoT module that is used."""

    def __init__(self) -> None:
        self.others: list[object] = []

    async def _dispatch_rule_action(self, _a: str, _r: str, _n: str, action: object, _e: object) -> None:
        self.others.append(action)


ALLOWED = ("iot.amazonaws.com", FUNCTION, "arn:aws:iot:eu-west-1:000000000000:rule/mine")


def _dispatch(rule: str, action: object, lambdas: FakeLambdas) -> FakeIot:
    iot: Untyped = FakeIot()
    start_functions_as_iot_does(iot, lambdas, FakeIam(ALLOWED))
    asyncio.run(iot._dispatch_rule_action("000000000000", "eu-west-1", rule, action, {"a": 1}))
    return iot  # type: ignore[no-any-return]


def test_a_rule_with_permission_starts_its_function_asynchronously() -> None:
    lambdas = FakeLambdas(FUNCTION)
    _dispatch("mine", {"lambda": {"functionArn": FUNCTION}}, lambdas)
    assert lambdas.started == [{"a": 1}]


def test_a_permission_for_another_rule_is_none() -> None:
    lambdas = FakeLambdas(FUNCTION)
    with pytest.raises(NotStartedError, match=r"no permission.*rule/other"):
        _dispatch("other", {"lambda": {"functionArn": FUNCTION}}, lambdas)
    assert lambdas.started == []


def test_a_function_that_does_not_exist_is_a_failure_of_the_rule() -> None:
    with pytest.raises(NotStartedError, match="does not exist"):
        _dispatch("mine", {"lambda": {"functionArn": FUNCTION}}, FakeLambdas())


def test_other_actions_are_left_to_ministack() -> None:
    action = {"sqs": {"queueUrl": "u"}}
    assert _dispatch("mine", action, FakeLambdas()).others == [action]


@pytest.mark.parametrize(("grants", "routed"), [([("r", "sqs:SendMessage", QUEUE)], [QUEUE]), ([], [])])
def test_a_failure_reaches_its_destination_only_with_permission(
    grants: list[tuple[str, str, str]], routed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    lambdas = FakeLambdas()
    send_failures_with_permission(lambdas, FakeIam(*grants))
    lambdas._route_async_failure(QUEUE, "f", {}, {})
    assert lambdas.routed == routed
    assert ("failure_lost" in caplog.text) is not bool(routed)


def test_an_event_waits_for_a_busy_function() -> None:
    lambdas: Untyped = FakeLambdas()
    lambdas.results = [{"throttle": True}, {"throttle": True}, {"body": "done"}]
    results: list[object] = []
    waited: list[float] = []
    lambdas.invoke_async_with_retry = lambda func, event: results.append(lambdas._execute_function(func, event))
    keep_throttled_events(lambdas, waited.append)
    lambdas.invoke_async_with_retry({}, {})
    assert results == [{"body": "done"}]
    assert len(waited) == 2


def test_a_caller_who_waits_is_told_that_the_function_is_busy() -> None:
    lambdas: Untyped = FakeLambdas()
    lambdas.results = [{"throttle": True}]
    keep_throttled_events(lambdas, lambda _: None)
    assert contextvars.copy_context().run(lambdas._execute_function, {}, {}) == {"throttle": True}


def test_only_so_many_functions_run_at_once() -> None:
    lambdas: Untyped = FakeLambdas()
    running, most, lock, pair = 0, 0, threading.Lock(), threading.Barrier(2)

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pair.wait(60)
        threading.Event().wait(0.005)
        with lock:
            running -= 1

    lambdas.warm = work
    limit_workers(lambdas, places=2)
    threads = [threading.Thread(target=lambdas._execute_function_warm, args=({}, {}, "id")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_function_that_waits_for_itself_gets_a_place_in_the_end() -> None:
    lambdas: Untyped = FakeLambdas()
    depth: list[int] = []

    def work() -> None:
        depth.append(1)
        if len(depth) < 2:
            lambdas._execute_function_warm({}, {}, "inner")

    lambdas.warm = work
    limit_workers(lambdas, places=1, limit_s=0.02)
    lambdas._execute_function_warm({}, {}, "outer")
    assert len(depth) == 2
    lambdas._execute_function_warm({}, {}, "again")
    assert len(depth) == 3
