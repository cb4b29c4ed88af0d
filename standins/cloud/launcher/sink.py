"""An SMTP server's end: every mail it takes lies in a Maildir."""

import mailbox
import time
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Final, Protocol

DELIVERED_HEADER: Final = "X-Smartcam-Delivered-At-Ns"


class SmtpEnvelope(Protocol):
    """What aiosmtpd hands over with a mail."""

    content: bytes | None
    rcpt_tos: list[str]


class MaildirSink:
    """A handler for aiosmtpd that stores each mail once for each recipient."""

    def __init__(self, folder: Path) -> None:
        self._maildir = mailbox.Maildir(folder, create=True)

    async def handle_DATA(self, _server: object, _session: object, envelope: SmtpEnvelope) -> str:  # noqa: N802
        """Store the mail. Returns the SMTP answer."""
        self.store(envelope.content or b"", envelope.rcpt_tos)
        return "250 OK"

    def store(self, content: bytes, recipients: list[str]) -> None:
        """Store a mail with its recipient and the time of its delivery in headers."""
        for recipient in recipients:
            mail = message_from_bytes(content, policy=SMTP.clone(refold_source="none"))
            del mail[DELIVERED_HEADER]
            del mail["Delivered-To"]
            mail["Delivered-To"] = recipient
            mail[DELIVERED_HEADER] = str(time.time_ns())
            self._maildir.add(mail.as_bytes())
