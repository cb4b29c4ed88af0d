"""What the nucleus's client hands over of a message: its topic and its payload."""

import json
from typing import Any

from smartcam.contract.errors import ContractError


def local_message(event: Any, topic: str) -> tuple[str, bytes]:  # noqa: ANN401  untyped client
    """The topic, where it is not said the one subscribed to, and the payload. Raises ContractError: there is none."""
    binary, document = event.binary_message, event.json_message
    message = binary or document
    if message is None:
        raise ContractError("message", "is missing")
    said = None if message.context is None else message.context.topic
    return _topic(said or topic), (binary.message or b"") if binary else json.dumps(document.message).encode()


def cloud_message(event: Any) -> tuple[str, bytes]:  # noqa: ANN401  untyped client
    """As `local_message`, of IoT Core."""
    if event.message is None:
        raise ContractError("message", "is missing")
    return _topic(event.message.topic_name), event.message.payload or b""


def _topic(said: object) -> str:
    """The client takes whatever JSON has for a topic."""
    if not isinstance(said, str):
        raise ContractError("topic", "must be text")
    return said
