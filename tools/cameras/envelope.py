"""SOAP as ONVIF speaks it: what is sent, and the reading of what strangers answer. Pure.

From the WS-Discovery draft of April 2005 and the ONVIF Core Specification (devices: `ver10`).
"""

import base64
import hashlib
import html
from typing import Final
from xml.etree import ElementTree as ET

from smartcam.capture.credentials import CameraCredentials
from smartcam.contract.errors import SmartcamError

Element = ET.Element
LARGEST_ANSWER: Final = 262_144
_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY: Final = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_NETWORK: Final = "http://www.onvif.org/ver10/network/wsdl"
_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"


class NotUnderstood(SmartcamError):
    """An answer that is not what was asked for: why."""


def read_xml(raw: bytes) -> Element:
    """The root of an answer. Raises NotUnderstood for what is too large, no XML, or XML with entities of its own."""
    if len(raw) > LARGEST_ANSWER:
        raise NotUnderstood(f"its answer is larger than {LARGEST_ANSWER} bytes")
    try:
        text = raw.decode("utf-8-sig")
        # An entity can only be declared in a document type, and as text there is one way to write that.
        if "<!DOCTYPE" in text:
            raise NotUnderstood("its answer declares a document type, which no camera needs")
        return ET.fromstring(text)  # noqa: S314  nothing can be declared, and the size has a limit
    except (ValueError, ET.ParseError) as error:
        raise NotUnderstood("its answer is not XML") from error


def texts(root: Element, tag: str) -> list[str]:
    """The text of all elements with this name, in any namespace: cameras disagree about those."""
    return [(each.text or "").strip() for each in root.iter() if local_name(each) == tag]


def local_name(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def probe(identity: str) -> bytes:
    """The question for cameras, in one line: some drop what has line breaks."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<e:Envelope xmlns:e="{_SOAP}" xmlns:w="{_ADDRESSING}" xmlns:d="{_DISCOVERY}" xmlns:dn="{_NETWORK}">'
        f"<e:Header><w:MessageID>uuid:{identity}</w:MessageID>"
        "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
        f"<w:Action>{_DISCOVERY}/Probe</w:Action></e:Header>"
        "<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"
    ).encode()


def request(body: str, security: str = "") -> bytes:
    """A question for a camera's service."""
    header = f"<s:Header>{security}</s:Header>" if security else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<s:Envelope xmlns:s="{_SOAP}">{header}<s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def security(login: CameraCredentials, nonce: bytes, created: str) -> str:
    """A login that does not show the password: SHA-1 of nonce, time and password (WS-Security UsernameToken 1.0)."""
    digest = hashlib.sha1(nonce + created.encode() + login.password.encode(), usedforsecurity=False).digest()
    word, number = base64.b64encode(digest).decode(), base64.b64encode(nonce).decode()
    return (
        f'<w:Security s:mustUnderstand="1" xmlns:w="{_WSS}-wssecurity-secext-1.0.xsd"'
        f' xmlns:u="{_WSS}-wssecurity-utility-1.0.xsd"><w:UsernameToken>'
        f"<w:Username>{html.escape(login.user)}</w:Username>"
        f'<w:Password Type="{_WSS}-username-token-profile-1.0#PasswordDigest">{word}</w:Password>'
        f'<w:Nonce EncodingType="{_WSS}-soap-message-security-1.0#Base64Binary">{number}</w:Nonce>'
        f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
    )
