"""From a message to the mailbox and the outbox folder, and back as typed deliveries."""

import logging
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.cloud.inbox import Channel, ConfirmationRequest, read_confirmation_requests, read_emails, read_texts
from standins.cloud.launcher.post import Email, PostOffice, Text, compose, header_name, write_text
from standins.cloud.launcher.sink import MaildirSink

TOPIC = "arn:aws:sns:eu-west-1:000000000000:" + "long-topic-name-" * 6
PRINTABLE = st.characters(exclude_categories=("C", "Z"))


def _deliver(maildir: Path, email: Email) -> None:
    MaildirSink(maildir).store(compose(email).as_bytes(), [email.to])


def test_a_mail_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    attributes = {"event_id": "e-1", "camera_id": "yard", "note": "ein Gerät " * 20}
    _deliver(tmp_path / "mail", Email("a@b.example", "Ünusual", "Zeile 1\nline 2", "m-1", TOPIC, attributes))
    (mail,) = read_emails(tmp_path / "mail")
    assert (mail.channel, mail.to, mail.subject) == (Channel.EMAIL, "a@b.example", "Ünusual")
    assert (mail.body, mail.event_id, mail.message_id) == ("Zeile 1\nline 2", "e-1", "m-1")
    assert mail.attributes["camera_id"] == "yard"
    assert mail.delivered_at_ns > 0


@given(subject=st.text(PRINTABLE, min_size=1, max_size=200), body=st.text(PRINTABLE, max_size=2000))
def test_any_text_survives_the_mail(tmp_path_factory: pytest.TempPathFactory, subject: str, body: str) -> None:
    maildir = tmp_path_factory.mktemp("any") / "mail"
    _deliver(maildir, Email("a@b.example", subject, body, "m", TOPIC))
    (mail,) = read_emails(maildir)
    assert (mail.subject, mail.body) == (subject, body)


def test_a_header_cannot_be_smuggled_in(tmp_path: Path) -> None:
    smuggler = Email("a@b.example", "S\r\nBcc: x@y", "b", "m", TOPIC, {"event_id": "1\nX-Other: 2"})
    _deliver(tmp_path / "mail", smuggler)
    (mail,) = read_emails(tmp_path / "mail")
    assert mail.subject == "S  Bcc: x@y"
    assert mail.attributes == {"event_id": "1 X-Other: 2"}


def test_a_sender_cannot_set_the_time_of_delivery(tmp_path: Path) -> None:
    email = compose(Email("a@b.example", "s", "b", "m", TOPIC, {"delivered_at_ns": "1"}))
    MaildirSink(tmp_path / "mail").store(email.as_bytes(), ["a@b.example"])
    (mail,) = read_emails(tmp_path / "mail")
    assert mail.delivered_at_ns > 1


def test_a_mail_without_subject_has_the_one_that_sns_gives() -> None:
    assert compose(Email("a@b.example", "", "b", "m", TOPIC))["Subject"] == "AWS Notification Message"


def test_the_topics_display_name_is_the_sender() -> None:
    message = compose(Email("a@b.example", "", "b", "m", TOPIC, sender_name="Smartcam"))
    assert message["From"] == "Smartcam <no-reply@sns.localhost>"


def test_each_recipient_gets_a_copy(tmp_path: Path) -> None:
    content = compose(Email("a@b.example", "s", "b", "m", TOPIC)).as_bytes()
    MaildirSink(tmp_path / "mail").store(content, ["a@b.example", "c@d.example"])
    assert {mail.to for mail in read_emails(tmp_path / "mail")} == {"a@b.example", "c@d.example"}


def test_a_request_for_confirmation_is_no_notification(tmp_path: Path) -> None:
    _deliver(tmp_path / "mail", Email("a@b.example", "Confirm", "link", "m", TOPIC, token="t-1"))  # noqa: S106
    assert read_emails(tmp_path / "mail") == []
    assert read_confirmation_requests(tmp_path / "mail") == [ConfirmationRequest("a@b.example", TOPIC, "t-1")]


def test_a_mailbox_that_nobody_wrote_to_is_empty(tmp_path: Path) -> None:
    assert read_emails(tmp_path / "none") == []
    assert read_texts(tmp_path / "none") == []


def test_a_text_message_is_a_file_for_its_owner_only(tmp_path: Path) -> None:
    path = write_text(tmp_path, Text("+49", "Tür", "m-1", TOPIC, {"event_id": "e-1"}), 7)
    assert path.stat().st_mode & 0o777 == 0o600
    (text,) = read_texts(tmp_path)
    assert (text.channel, text.to, text.body) == (Channel.SMS, "+49", "Tür")
    assert (text.event_id, text.delivered_at_ns, text.message_id) == ("e-1", 7, "m-1")
    assert [*tmp_path.glob("*.part")] == []


def test_texts_are_read_in_the_order_of_delivery(tmp_path: Path) -> None:
    for at_ns in (30, 4, 200):
        write_text(tmp_path, Text("+49", str(at_ns), "m", TOPIC), at_ns)
    assert [text.body for text in read_texts(tmp_path)] == ["4", "30", "200"]


@pytest.mark.parametrize(
    ("attribute", "header"),
    [("event_id", "X-Smartcam-Event-Id"), ("AWS.SNS.SMS", "X-Smartcam-Aws-Sns-Sms"), ("ö:x", "X-Smartcam---X")],
)
def test_attribute_names_become_header_names(attribute: str, header: str) -> None:
    assert header_name(attribute) == header


def test_closing_the_post_office_delivers_what_was_posted_in_order(tmp_path: Path) -> None:
    sent: list[str] = []
    office = PostOffice(lambda message: sent.append(str(message["To"])), tmp_path)
    for number in range(20):
        office.post(Email(f"{number}@b.example", "s", "b", "m", TOPIC))
    office.post(Text("+49", "b", "m", TOPIC))
    office.close()
    assert sent == [f"{number}@b.example" for number in range(20)]
    assert len(read_texts(tmp_path)) == 1
    office.close()


def test_a_mail_that_cannot_be_sent_is_logged_and_holds_nothing_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_message: EmailMessage) -> None:
        raise ConnectionRefusedError

    office = PostOffice(refuse, tmp_path)
    with caplog.at_level(logging.ERROR):
        office.post(Email("a@b.example", "s", "b", "m-9", TOPIC))
        office.post(Text("+49", "b", "m", TOPIC))
        office.close()
    assert "message_lost to=a@b.example message_id=m-9" in caplog.text
    assert len(read_texts(tmp_path)) == 1
