"""XML from strangers is read within limits, and a login shows no password."""

import base64
import contextlib
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.credentials import CameraCredentials
from tools.cameras.envelope import LARGEST_ANSWER, NotUnderstood, probe, read_xml, request, security, texts

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><l>&c;</l>'
)


@pytest.mark.parametrize(
    "raw",
    [
        BOMB.encode(),
        BOMB.encode("utf-16"),
        BOMB.replace("1.0", '1.0" encoding="UTF-7').encode(),
        b'\xef\xbb\xbf<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<a><!-- --><!DOCTYPE b [<!ENTITY x SYSTEM "http://192.168.1.1/">]></a>',
        b"<a>&x;</a>",
        b"<a>",
        b"",
        b"\x00\xff",
        b"<a>\xff</a>",
        b"<a>" + b" " * LARGEST_ANSWER + b"</a>",
    ],
)
def test_what_is_no_plain_xml_is_not_understood(raw: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_xml(raw)


def test_elements_that_lie_deep_in_each_other_are_no_trouble() -> None:
    depth = LARGEST_ANSWER // 8
    assert texts(read_xml(b"<a>" * depth + b"x" + b"</a>" * depth), "a")[-1] == "x"


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_read_or_not_understood(raw: bytes) -> None:
    with contextlib.suppress(NotUnderstood):
        texts(read_xml(raw), "a")


def test_names_are_found_in_every_namespace() -> None:
    raw = b'<e:a xmlns:e="urn:1"><b xmlns="urn:2"> one </b><b>two</b><b/></e:a>'
    assert texts(read_xml(raw), "b") == ["one", "two", ""]


def test_the_question_for_cameras_is_one_line_of_xml_with_its_number() -> None:
    question = probe("0f0f")
    assert b"\n" not in question
    assert texts(read_xml(question), "MessageID") == ["uuid:0f0f"]
    assert texts(read_xml(question), "Types") == ["dn:NetworkVideoTransmitter"]


def test_a_login_is_a_digest_of_number_time_and_password() -> None:
    login = CameraCredentials("an<na&", "hunter2")
    raw = request("<a/>", security(login, b"0123456789abcdef", "2026-11-29T12:00:00Z"))
    root = read_xml(raw)
    digest = hashlib.sha1(b"0123456789abcdef2026-11-29T12:00:00Zhunter2", usedforsecurity=False).digest()
    assert texts(root, "Username") == ["an<na&"]
    assert texts(root, "Password") == [base64.b64encode(digest).decode()]
    assert not re.search(rb"hunter2", raw)
