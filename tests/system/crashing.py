"""The alerting's handler in a process that dies between its steps, once for each event that is chosen.

Put beside the function's code in the local cloud; the real handler runs unchanged, with shorter waits.
Standard library and boto3 only, as in Lambda.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.alerts.runtime import agreed

agreed.LEASE_S = 4  # type: ignore[misc]  # so that a crash is made good within a test's patience
agreed.EMAILS_PER_SECOND = 200  # type: ignore[misc]

from botocore.client import BaseClient  # noqa: E402 - the waits must be set first

from infra.alerts.runtime import handler  # noqa: E402

FOLDER = Path(os.environ["CRASH_FOLDER"])
SHARE = int(os.environ["CRASH_PERCENT"])
STEPS = 22
"""Moments before and after each of the first eleven calls of an invocation."""

_call = BaseClient._make_api_call  # type: ignore[attr-defined]
_now: dict[str, Any] = {"key": "", "step": 0, "trace": [], "published": ""}


def handle(document: Mapping[str, Any], context: object) -> object:
    """As the real one, with crashes."""
    records = document.get("Records")
    _now.update(key=_key(document if records is None else records[0]), step=0, trace=[], published="")
    return handler.handle(document, context)


def _key(document: Mapping[str, Any]) -> str:
    """The event of a delivery; a job by its words."""
    body = document.get("body")
    if body is None:
        return str(document["payload"])
    job = json.loads(body)
    return str(job.get("delivery", job).get("payload", body))


def _call_with_crashes(self: Any, name: str, request: Any) -> Any:  # noqa: ANN401 - botocore's own
    _pass_by(f"before {name}")
    answer = _call(self, name, request)
    if name == "Publish":
        _now["published"] = request["MessageAttributes"].get("event_id", {}).get("StringValue", "")
    _pass_by(f"after {name}")
    return answer


def _pass_by(moment: str) -> None:
    _now["trace"].append(moment)
    number = int.from_bytes(hashlib.sha256(_now["key"].encode()).digest()[:4])
    if number % 100 < SHARE and number // 100 % STEPS == _now["step"]:
        try:
            note = os.open(FOLDER / f"{number}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            _now["step"] += 1
            return
        os.write(note, json.dumps({"published": _now["published"], "trace": _now["trace"]}).encode())
        os.fsync(note)
        os._exit(1)
    _now["step"] += 1


BaseClient._make_api_call = _call_with_crashes  # type: ignore[attr-defined]
