"""A real broker on 127.0.0.1, with TLS and a password, and somebody who listens to all that it is told."""

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from smartcam.homeassistant.broker import Introduction
from smartcam.homeassistant.mqtt import PahoLine
from smartcam.homeassistant.settings import HomeAssistantSettings
from standins.mosquitto import Mosquitto
from tests.ports import reserved_port
from tests.unit.standins.nucleus.broker import Papers
from tests.waiting import PATIENCE_S

PASSWORD = "what nobody guesses"  # noqa: S105  of a test
USER = "smartcam"
HOST = "127.0.0.1"


class MosquittoBroker:
    """`settings` is what to connect with."""

    def __init__(self, mosquitto: Mosquitto, papers: Papers, folder: Path, *more: str) -> None:
        """`more` lines of its configuration."""
        self.heard: list[tuple[str, bytes]] = []
        self.kept: dict[str, bytes] = {}
        self._mosquitto = mosquitto
        self._folder = folder
        self._papers = papers
        self._own = ExitStack()
        self.port = self._own.enter_context(reserved_port())
        self._write_configuration(more)
        password = folder / "password"
        password.write_text(f"{PASSWORD}\n")
        password.chmod(0o600)
        self.settings = HomeAssistantSettings(
            host=HOST, port=self.port, authority=papers.ca, user=USER, password_file=password
        )
        self._changed = threading.Condition()
        self._ear: Client | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._own.close()

    def connect(self, settings: HomeAssistantSettings, introduction: Introduction) -> PahoLine:
        return PahoLine(settings, introduction)

    def start(self) -> None:
        command = [str(self._mosquitto.program), "-c", str(self._folder / "mosquitto.conf")]
        self._process = subprocess.Popen(command, env=self._mosquitto.environment, stderr=subprocess.DEVNULL)
        self._listen()

    def kill(self) -> None:
        if self._ear is not None:
            self._ear.disconnect()
            self._ear.loop_stop()
            self._ear = None
        self._process.kill()
        self._process.wait()
        self.kept.clear()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Somebody else publishes."""
        assert self._ear is not None
        self._ear.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def waits_for(self, topic: str, payload: bytes | None) -> bytes | None:
        """What is kept there: `payload`, as soon as it is; else what there is when patience is at its end."""
        with self._changed:
            self._changed.wait_for(lambda: self.kept.get(topic) == payload, PATIENCE_S)
            return self.kept.get(topic)

    def _listen(self) -> None:
        ear = Client(CallbackAPIVersion.VERSION2, client_id="ear", protocol=MQTTProtocolVersion.MQTTv5)
        ear.tls_set(str(self._papers.ca))
        ear.username_pw_set(USER, PASSWORD)
        ear.on_message = self._hear
        listens = threading.Event()
        ear.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        ear.on_subscribe = lambda *_: listens.set()
        self._await_start()
        ear.connect(HOST, self.port)
        ear.loop_start()
        assert listens.wait(60)
        self._ear = ear

    def _await_start(self) -> None:
        limit = time.monotonic() + 60
        while True:
            try:
                socket.create_connection((HOST, self.port)).close()
            except OSError:
                assert time.monotonic() < limit, "the broker does not start"
                time.sleep(0.02)
            else:
                return

    def _hear(self, _client: Client, _own: object, message: MQTTMessage) -> None:
        with self._changed:
            payload = bytes(message.payload)
            self.heard.append((message.topic, payload))
            self.kept[message.topic] = payload
            if not payload:
                del self.kept[message.topic]
            self._changed.notify_all()

    def _write_configuration(self, more: Sequence[str]) -> None:
        papers, passwords = self._papers, self._folder / "passwords"
        command = [str(self._mosquitto.passwords), "-b", "-c", str(passwords), USER, PASSWORD]
        subprocess.run(command, env=self._mosquitto.environment, check=True, capture_output=True)
        lines = [
            f"listener {self.port} {HOST}",
            f"cafile {papers.ca}",
            f"certfile {papers.broker}",
            f"keyfile {papers.broker_key}",
            "allow_anonymous false",
            f"password_file {passwords}",
            "user root",  # else it could not read the files, where it is started by root
            *more,
        ]
        (self._folder / "mosquitto.conf").write_text("\n".join(lines))
