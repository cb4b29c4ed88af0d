"""What reached a person: the local mailbox and the SMS outbox folder, read as typed deliveries."""

import json
import mailbox
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import StrEnum
from pathlib import Path
from typing import Final

from standins.cloud.launcher.post import (
    CONFIRMATION,
    HEADER_PREFIX,
    MESSAGE_ID_HEADER,
    TOKEN_HEADER,
    TOPIC_HEADER,
    TYPE_HEADER,
    header_name,
)
from standins.cloud.launcher.sink import DELIVERED_HEADER

_EVENT_ID: Final = "event_id"


class Channel(StrEnum):
    """How a person was reached."""

    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One message that a person got.

    `attributes` are the SNS message attributes; of an e-mail their names are read back from headers,
    in lower case with '_'. `event_id` is empty when the message carried none.
    """

    channel: Channel
    to: str
    subject: str
    body: str
    event_id: str
    delivered_at_ns: int
    message_id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """A mail that asks whether its reader wants a topic's messages."""

    to: str
    topic_arn: str
    token: str


def read_emails(maildir: Path) -> list[ReceivedMessage]:
    """The notifications in a Maildir, oldest first; requests for confirmation are not among them."""
    found = [_email(mail) for mail in _mails(maildir) if mail[TYPE_HEADER] != CONFIRMATION]
    return sorted(found, key=lambda delivery: delivery.delivered_at_ns)


def read_confirmation_requests(maildir: Path) -> list[ConfirmationRequest]:
    """The requests for confirmation in a Maildir."""
    return [
        ConfirmationRequest(str(mail["Delivered-To"]), str(mail[TOPIC_HEADER]), str(mail[TOKEN_HEADER]))
        for mail in _mails(maildir)
        if mail[TYPE_HEADER] == CONFIRMATION
    ]


def read_texts(folder: Path) -> list[ReceivedMessage]:
    """The SMS in an outbox folder, oldest first."""
    found = [_text(path) for path in folder.glob("*.json")]
    return sorted(found, key=lambda delivery: delivery.delivered_at_ns)


def _mails(maildir: Path) -> list[EmailMessage]:
    if not (maildir / "new").is_dir():
        return []
    box = mailbox.Maildir(maildir, create=False)
    return [message_from_bytes(box.get_bytes(key), policy=default) for key in box.keys()]  # noqa: SIM118 - no mapping


def _email(mail: EmailMessage) -> ReceivedMessage:
    body = mail.get_body(("plain",))
    attributes = {
        name.removeprefix(HEADER_PREFIX).lower().replace("-", "_"): str(value)
        for name, value in mail.items()
        if name.startswith(HEADER_PREFIX) and name != DELIVERED_HEADER
    }
    return ReceivedMessage(
        channel=Channel.EMAIL,
        to=str(mail["Delivered-To"]),
        subject=str(mail["Subject"]),
        body="" if body is None else body.get_content().replace("\r\n", "\n").removesuffix("\n"),
        event_id=str(mail.get(header_name(_EVENT_ID), "")),
        delivered_at_ns=int(mail[DELIVERED_HEADER]),
        message_id=str(mail.get(MESSAGE_ID_HEADER, "")),
        attributes=attributes,
    )


def _text(path: Path) -> ReceivedMessage:
    content = json.loads(path.read_text(encoding="utf-8"))
    return ReceivedMessage(
        channel=Channel.SMS,
        to=content["to"],
        subject="",
        body=content["body"],
        event_id=content["attributes"].get(_EVENT_ID, ""),
        delivered_at_ns=content["delivered_at_ns"],
        message_id=content["message_id"],
        attributes=content["attributes"],
    )
