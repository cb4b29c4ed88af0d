"""A real ssh server for one test, on the loopback address, with keys of its own."""

import getpass
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sshd:
    """How it is reached."""

    host: str
    options: tuple[str, ...]


@contextmanager
def started(program: str, folder: Path) -> Iterator[Sshd]:
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        making = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(making, check=True)
    (folder / "authorized").write_bytes((folder / "user.pub").read_bytes())
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile none\nStrictModes no\nPasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\n"
    )
    server = subprocess.Popen([program, "-D", "-e", "-f", str(folder / "config")])
    try:
        for _ in range(100):
            with closing(socket.socket()) as look:
                if look.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        options = (f"-p{port}", f"-i{folder}/user", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null")
        yield Sshd(f"{getpass.getuser()}@127.0.0.1", (*options, "-oLogLevel=ERROR"))
    finally:
        server.terminate()
        server.wait()
