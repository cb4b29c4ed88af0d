"""Sockets stay on the loopback address."""

import asyncio
import socket

import pytest

from standins.cloud.launcher.listeners import LoopbackLoop, PortTakenError, bind, port_of


def test_a_port_in_use_is_named_with_its_purpose_and_remedy() -> None:
    with bind(0, "MQTT", "--mqtt-port") as taken, pytest.raises(PortTakenError) as caught:
        bind(port_of(taken), "MQTT", "--mqtt-port")
    assert f"port {port_of_text(caught.value)} for MQTT" in str(caught.value)
    assert "--mqtt-port" in str(caught.value)


def port_of_text(error: Exception) -> str:
    return str(error).split()[1]


def _address(loop: LoopbackLoop, host: str | None, port: int) -> tuple[str, int]:
    async def serve() -> tuple[str, int]:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host=host, port=port)
        address: tuple[str, int] = server.sockets[0].getsockname()
        server.close()
        await server.wait_closed()
        return address

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(serve())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", None])  # noqa: S104 - what must not happen
def test_a_server_that_asks_for_every_address_gets_the_loopback(host: str | None) -> None:
    assert _address(LoopbackLoop({}), host, 0)[0] == "127.0.0.1"


def test_a_port_bound_beforehand_is_handed_over() -> None:
    bound = bind(0, "MQTT", "--mqtt-port")
    port = port_of(bound)
    assert _address(LoopbackLoop({port: bound}), "0.0.0.0", port) == ("127.0.0.1", port)  # noqa: S104


def test_a_given_socket_is_used_as_it_is() -> None:
    async def serve(bound: socket.socket) -> int:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, sock=bound)
        port = int(server.sockets[0].getsockname()[1])
        server.close()
        await server.wait_closed()
        return port

    bound = bind(0, "MQTT", "--mqtt-port")
    port = port_of(bound)
    with asyncio.Runner(loop_factory=lambda: LoopbackLoop({})) as runner:
        assert runner.run(serve(bound)) == port
