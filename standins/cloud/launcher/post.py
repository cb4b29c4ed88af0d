"""The post office: e-mail leaves by SMTP, a text message becomes a file in the outbox folder."""

import json
import logging
import os
import queue
import smtplib
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger(__name__)
SENDER: Final = "no-reply@sns.localhost"
HEADER_PREFIX: Final = "X-Smartcam-"
TYPE_HEADER: Final = "X-Amz-Sns-Message-Type"
TOPIC_HEADER: Final = "X-Amz-Sns-Topic-Arn"
MESSAGE_ID_HEADER: Final = "X-Amz-Sns-Message-Id"
TOKEN_HEADER: Final = "X-Amz-Sns-Token"  # noqa: S105 - a header's name
NOTIFICATION: Final = "Notification"
CONFIRMATION: Final = "SubscriptionConfirmation"
_SMTP_LIMIT_S: Final = 10.0
# The longest line that SMTP allows: a folded header would come back with the fold in it.
_POLICY: Final = SMTP.clone(max_line_length=998)
_DEFAULT_SUBJECT: Final = "AWS Notification Message"


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail to one subscriber; `attributes` are SNS message attributes by name."""

    to: str
    subject: str
    body: str
    message_id: str
    topic_arn: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    token: str = ""  # of a request to confirm a subscription
    sender_name: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """An SMS to one subscriber."""

    to: str
    body: str
    message_id: str
    topic_arn: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def compose(email: Email) -> EmailMessage:
    """The e-mail as it goes over SMTP: message attributes become X-Smartcam-* headers."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = formataddr((_one_line(email.sender_name), SENDER))
    message["To"] = email.to
    message["Subject"] = _one_line(email.subject) or _DEFAULT_SUBJECT
    message["Message-ID"] = f"<{uuid.uuid4().hex}@sns.localhost>"
    message[TYPE_HEADER] = CONFIRMATION if email.token else NOTIFICATION
    message[TOPIC_HEADER] = email.topic_arn
    message[MESSAGE_ID_HEADER] = email.message_id
    if email.token:
        message[TOKEN_HEADER] = email.token
    for name, value in email.attributes.items():
        message[header_name(name)] = _one_line(value)
    message.set_content(email.body)
    return message


def header_name(attribute: str) -> str:
    """`event_id` -> `X-Smartcam-Event-Id`; what a header's name may not hold becomes '-'."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in attribute)
    return HEADER_PREFIX + "-".join(word.capitalize() for word in words.split("-"))


def write_text(folder: Path, text: Text, delivered_at_ns: int) -> Path:
    """Put an SMS into the outbox folder, whole or not at all, readable by its owner only."""
    path = folder / f"{delivered_at_ns}-{uuid.uuid4().hex}.json"
    unfinished = path.with_suffix(".part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({**asdict(text), "delivered_at_ns": delivered_at_ns}, file, ensure_ascii=False)
    unfinished.replace(path)
    return path


class PostOffice:
    """Delivers in order of posting, in a thread of its own: a publisher never waits for SMTP."""

    def __init__(self, send_email: Callable[[EmailMessage], None], text_folder: Path) -> None:
        self._send_email = send_email
        self._text_folder = text_folder
        self._waiting: queue.SimpleQueue[Email | Text | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._deliver_all, name="post-office")
        self._thread.start()

    def post(self, message: Email | Text) -> None:
        """Take a message for delivery."""
        self._waiting.put(message)

    def close(self) -> None:
        """Deliver what was posted, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _deliver_all(self) -> None:
        while (message := self._waiting.get()) is not None:
            try:
                self._deliver(message)
            except Exception:  # noqa: BLE001 - the edge of the loop: one bad message must not hold up the next
                _LOG.exception("message_lost to=%s message_id=%s", message.to, message.message_id)

    def _deliver(self, message: Email | Text) -> None:
        if isinstance(message, Email):
            self._send_email(compose(message))
        else:
            write_text(self._text_folder, message, time.time_ns())


def smtp_sender(host: str, port: int) -> Callable[[EmailMessage], None]:
    """Hands messages to the SMTP server there, one connection each."""

    def send(message: EmailMessage) -> None:
        with smtplib.SMTP(host, port, timeout=_SMTP_LIMIT_S) as connection:
            connection.send_message(message)

    return send


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
