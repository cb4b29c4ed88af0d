"""HTTP digest access authentication (RFC 7616), for cameras that ask for it instead of ONVIF's own login. Pure."""

import hashlib
import re
from typing import Final

from smartcam.capture.credentials import CameraCredentials

_PART: Final = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))', re.ASCII)
_HASHES: Final = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
_LONGEST: Final = 2048


def digest_answer(challenge: str, login: CameraCredentials, method: str, path: str, nonce: str) -> str:
    """The `Authorization` for a challenge; empty for one that cannot be answered without showing the password.

    `nonce` is ours (`cnonce`), letters and digits. Of several algorithms a server sends a challenge each.
    """
    scheme, _, rest = challenge[:_LONGEST].partition(" ")
    told = {name.lower(): quoted or bare for name, quoted, bare in _PART.findall(rest)}
    algorithm = told.get("algorithm", "MD5")
    kind = _HASHES.get(algorithm.lower())
    offers = [word.strip().lower() for word in told.get("qop", "").split(",")]
    unsafe = not rest.isprintable() or '"' in login.user or "\\" in login.user
    if scheme.lower() != "digest" or kind is None or "nonce" not in told or "auth" not in offers or unsafe:
        return ""

    def hashed(*parts: str) -> str:
        return kind(":".join(parts).encode()).hexdigest()

    realm, server = told.get("realm", ""), told["nonce"]
    secret = hashed(login.user, realm, login.password)
    response = hashed(secret, server, "00000001", nonce, "auth", hashed(method, path))
    opaque = f', opaque="{told["opaque"]}"' if "opaque" in told else ""
    return (
        f'Digest username="{login.user}", realm="{realm}", nonce="{server}", uri="{path}", algorithm={algorithm}, '
        f'qop=auth, nc=00000001, cnonce="{nonce}", response="{response}"{opaque}'
    )
