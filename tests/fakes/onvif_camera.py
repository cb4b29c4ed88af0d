"""A network camera on the loopback: answers WS-Discovery by UDP and ONVIF by HTTP, as strict as a real one.

A hostile one is made by replacing what it says: `discovery` for its datagrams, `says` for what a service answers.
"""

import base64
import hashlib
import html
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree as ET

HOST = "127.0.0.1"
PATIENCE_S = 5.0
SOAP = "http://www.w3.org/2003/05/soap-envelope"


def envelope(body: str, header: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" xmlns:tt="http://www.onvif.org/ver10/schema"'
        ' xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
        ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl">'
        f"<SOAP-ENV:Header>{header}</SOAP-ENV:Header><SOAP-ENV:Body>{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


REALM = "the yard"
SERVER_NONCE = "7ypf/xlj9XXwfDPEoM4URrv"
GROUP = "239.255.255.250"
PORT = 3702

FAULT = (
    "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>"
    '<SOAP-ENV:Value xmlns:ter="http://www.onvif.org/ver10/error">ter:{0}</SOAP-ENV:Value></SOAP-ENV:Subcode>'
    '</SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">{0}</SOAP-ENV:Text></SOAP-ENV:Reason>'
    "</SOAP-ENV:Fault>"
)


@dataclass(frozen=True)
class Offer:
    """A profile: what the camera tells of one stream."""

    token: str
    url: str
    size: tuple[int, int] = (1280, 720)
    encoding: str = "H264"
    lens: str = "lens-1"

    def profile(self) -> str:
        return (
            f'<trt:Profiles token="{html.escape(self.token)}" fixed="true"><tt:Name>a profile</tt:Name>'
            f"<tt:VideoSourceConfiguration><tt:SourceToken>{self.lens}</tt:SourceToken>"
            '<tt:Bounds x="0" y="0" width="4000" height="3000"/></tt:VideoSourceConfiguration>'
            f"<tt:VideoEncoderConfiguration><tt:Encoding>{self.encoding}</tt:Encoding><tt:Resolution>"
            f"<tt:Width>{self.size[0]}</tt:Width><tt:Height>{self.size[1]}</tt:Height></tt:Resolution>"
            "</tt:VideoEncoderConfiguration></trt:Profiles>"
        )


@dataclass
class OnvifCamera:
    """What the camera is and asks for; `clock_ahead_s` is how wrong its clock is.

    With a `challenge`, `Digest` or `Basic`, it asks for its login by HTTP, and does not look at that of ONVIF.
    """

    offers: tuple[Offer, ...] = (Offer("main", f"rtsp://{HOST}:554/stream1"),)
    name: str = "Front Door"
    login: tuple[str, str] | None = None
    clock_ahead_s: float = 0.0
    discovery: Callable[[str, "OnvifCamera"], list[bytes]] = lambda related, camera: [camera.match(related)]
    says: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    lingers_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    udp_port: int = 0
    http_port: int = 0
    nonces: set[str] = field(default_factory=set)
    logins: int = 0
    challenge: str = ""
    authorizations: list[str | None] = field(default_factory=list)
    host: str = HOST

    def match(self, related: str, addresses: str = "", scopes: str = "") -> bytes:
        """Its answer to a probe."""
        name = self.name.replace(" ", "%20")
        told = addresses or f"http://{self.host}:{self.http_port}/onvif/device_service"
        return envelope(
            "<d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:1</wsa:Address>"
            "</wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>"
            f"<d:Scopes>onvif://www.onvif.org/type/video_encoder {scopes or f'onvif://www.onvif.org/name/{name}'}"
            f"</d:Scopes><d:XAddrs>{told}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch>"
            "</d:ProbeMatches>",
            f"<wsa:RelatesTo>{related}</wsa:RelatesTo>",
        )

    def answer(self, raw: bytes) -> tuple[int, bytes]:
        """Its answer to a SOAP question."""
        root = ET.fromstring(raw)  # noqa: S314 - what the tests sent
        [body] = root.findall(f"{{{SOAP}}}Body")
        question = body[0].tag.rpartition("}")[2]
        self.asked.append(question)
        self.logins += b"UsernameToken" in raw
        if question in self.says:
            return self.says[question]
        if question == "GetSystemDateAndTime":  # open to everybody, as the specification has it
            return 200, envelope(self._time())
        if self.login is not None and not self.challenge and not self._knows(root):
            return 400, envelope(FAULT.format("NotAuthorized"))
        told = self._told(question, root)
        return (400, envelope(FAULT.format("ActionNotSupported"))) if told is None else (200, envelope(told))

    def _told(self, question: str, root: ET.Element) -> str | None:
        if question == "GetCapabilities":
            address = f"http://{self.host}:{self.http_port}/onvif/media_service"
            return (
                "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>"
                f"<tt:XAddr>{address}</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>"
            )
        if question == "GetProfiles":
            profiles = "".join(offer.profile() for offer in self.offers)
            return f"<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"
        if question == "GetStreamUri":
            [token] = [each.text for each in root.iter() if each.tag.endswith("}ProfileToken")]
            [offer] = [each for each in self.offers if each.token == token]
            uri = f"<tt:Uri>{html.escape(offer.url)}</tt:Uri>"
            return f"<trt:GetStreamUriResponse><trt:MediaUri>{uri}</trt:MediaUri></trt:GetStreamUriResponse>"
        return None

    def admits(self, path: str, authorization: str | None) -> bool:
        """Whether the HTTP server lets a request in."""
        self.authorizations.append(authorization)
        if not self.challenge or self.login is None:
            return True
        scheme, _, rest = (authorization or "").partition(" ")
        told: dict[str, str] = dict(re.findall(r'(\w+)="?([^",]+)"?', rest))
        if (scheme, self.challenge, told.get("username")) != ("Digest", "Digest", self.login[0]):
            return False
        secret = _sha256(f"{self.login[0]}:{REALM}:{self.login[1]}")
        whole = f"{secret}:{SERVER_NONCE}:{told['nc']}:{told['cnonce']}:auth:{_sha256(f'POST:{path}')}"
        return told["response"] == _sha256(whole)

    def _time(self) -> str:
        now = datetime.fromtimestamp(time.time() + self.clock_ahead_s, UTC)
        parts = {
            "Time": {"Hour": now.hour, "Minute": now.minute, "Second": now.second},
            "Date": {"Year": now.year, "Month": now.month, "Day": now.day},
        }
        inner = "".join(
            f"<tt:{part}>{''.join(f'<tt:{name}>{value}</tt:{name}>' for name, value in values.items())}</tt:{part}>"
            for part, values in parts.items()
        )
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
            f"<tt:UTCDateTime>{inner}</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _knows(self, root: ET.Element) -> bool:
        """Whether the question has its login: the right digest, at its own time, with a number used once."""
        told = {each.tag.rpartition("}")[2]: each.text or "" for each in root.iter()}
        if self.login is None or told.get("Username") != self.login[0] or told.get("Nonce", "") in self.nonces:
            return False
        nonce, created = told.get("Nonce", ""), told.get("Created", "")
        self.nonces.add(nonce)
        whole = base64.b64decode(nonce) + created.encode() + self.login[1].encode()
        digest = base64.b64encode(hashlib.sha1(whole, usedforsecurity=False).digest()).decode()
        moment = datetime.fromisoformat(created).timestamp()
        near = abs(moment - (time.time() + self.clock_ahead_s)) <= PATIENCE_S
        return near and told.get("Password") == digest


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def switched_on(camera: OnvifCamera, *, in_network: bool = False) -> Iterator[OnvifCamera]:
    """The camera, at ports of its own on the loopback; `in_network`: it hears multicast at `camera.host`, too."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            admitted = camera.admits(self.path, self.headers["Authorization"])
            status, body = camera.answer(question) if admitted else (401, b"")
            self.send_response(status)
            if not admitted:
                told = f'{camera.challenge} realm="{REALM}", nonce="{SERVER_NONCE}", algorithm=SHA-256, qop="auth"'
                self.send_header("WWW-Authenticate", told)
            self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if camera.lingers_s:
                _drip(self, body, camera.lingers_s)
            else:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((camera.host, 0), Handler)
    server.daemon_threads = True
    camera.http_port = server.server_address[1]
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if in_network:
        door.bind(("", PORT))
        door.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(camera.host)
        )
    else:
        door.bind((camera.host, 0))
    door.settimeout(0.05)
    camera.udp_port = door.getsockname()[1]
    over = threading.Event()
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}),
        threading.Thread(target=_answer_probes, args=(door, camera, over)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield camera
    finally:
        over.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()
        door.close()


def _drip(handler: BaseHTTPRequestHandler, body: bytes, every_s: float) -> None:
    """One byte after another: no time-out of a single read ever passes."""
    try:
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(every_s)
    except OSError:
        handler.close_connection = True


def _answer_probes(door: socket.socket, camera: OnvifCamera, over: threading.Event) -> None:
    while not over.is_set():
        try:
            question, asker = door.recvfrom(65_535)
        except TimeoutError:
            continue
        found = re.search(rb"MessageID[^>]*>([^<]+)<", question)
        assert found is not None
        for datagram in camera.discovery(found[1].decode(), camera):
            door.sendto(datagram, asker)
