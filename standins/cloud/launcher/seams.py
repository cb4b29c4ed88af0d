"""The places in ministack that the launcher reaches into: checked before anything is replaced.

These are private names of one pinned release; another release may move them, and must not do so unnoticed.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

# ministack and its servers publish no types.
Untyped = Any
PINNED: Final = "1.5.33"

# module -> name -> the parameters it must take.
SEAMS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "ministack.services.iot": {
        "_dispatch_rule_action": ("account_id", "region", "rule_name", "action", "event"),
    },
    "ministack.services.lambda_svc": {
        "_get_func_record_for_ref_in_scope": ("function_ref", "account_id", "region"),
        "_execution_record_for_config": ("func", "config"),
        "_execute_function": ("func", "event"),
        "_execute_function_warm": ("func", "event", "request_id"),
        "_route_async_failure": ("target_arn", "func_name", "event", "result"),
        "invoke_async_with_retry": ("func", "event"),
    },
    "ministack.services.sns": {
        "_fanout": (
            *("topic_arn", "msg_id", "message", "subject", "message_structure"),
            *("message_attributes", "message_group_id", "message_dedup_id"),
        ),
        "_subscribe": ("params",),
        "_list_subscriptions_by_topic": ("params",),
        "_topic_by_arn_any_scope": ("topic_arn",),
        "_resolve_message_for_protocol": ("message", "message_structure", "protocol"),
        "_matches_filter_policy": ("sub", "message_attributes", "message"),
        "_refresh_subscription_counts": ("topic",),
        "_build_envelope": ("topic_arn", "msg_id", "message", "subject", "message_attributes", "raw"),
    },
    "ministack.services.cloudformation.provisioners": {
        "_sns_create": ("logical_id", "props", "stack_name"),
        "_sns_sub_create": ("logical_id", "props", "stack_name"),
    },
    "ministack.core.iam_evaluator": {
        "evaluate": ("ctx", "policies", "limits"),
        "evaluate_resource_policy": ("doc", "ctx", "service", "named_only", "direct_only"),
        "_gather_role_policies": ("role_name", "account_id"),
        "pin_request_origin": ("source_ip", "secure_transport"),
    },
}


class SeamBrokenError(Exception):
    """ministack is not the release that the launcher was written for."""


def check_seams(
    seams: Mapping[str, Mapping[str, tuple[str, ...]]] = SEAMS,
    load: Callable[[str], Untyped] = importlib.import_module,
) -> None:
    """Compare every place with what the launcher expects. Raises SeamBrokenError naming all that differ."""
    differences = [
        f"{module_name}.{name}: {difference}"
        for module_name, names in seams.items()
        for name, parameters in names.items()
        if (difference := _difference(getattr(load(module_name), name, None), parameters))
    ]
    if differences:
        remedy = f"remedy: install ministack {PINNED} from requirements/cloud.txt, or fix standins/cloud/launcher"
        raise SeamBrokenError(f"ministack has changed: {'; '.join(differences)}; {remedy}")


def _difference(found: Untyped, parameters: tuple[str, ...]) -> str:
    if found is None:
        return "is gone"
    actual = tuple(inspect.signature(found).parameters)
    return "" if actual == parameters else f"takes {', '.join(actual)} instead of {', '.join(parameters)}"
