"""Encrypted connections to cameras: whose certificates are trusted."""

import ssl
from typing import Final

from smartcam.capture.settings import SourceSettings
from smartcam.contract.errors import CameraLost

_AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's; the FFmpeg in PyAV's packages looks where another distribution has them."""


def authorities(settings: SourceSettings) -> str:
    """The file with the certificates that vouch for the camera's."""
    return settings.ca_file or _AUTHORITIES


def tls_context(settings: SourceSettings) -> ssl.SSLContext:
    """How the camera's certificate is checked, if at all.

    Raises:
        CameraLost: the file with the authorities cannot be read or holds none.
    """
    if not settings.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # An old camera's encryption is better than none.
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        return context
    place = authorities(settings)
    try:
        context = ssl.create_default_context(cafile=place)
    except ssl.SSLError:
        raise CameraLost(f"ca_file {place}: holds no certificate in PEM") from None
    except OSError as error:
        raise CameraLost(f"ca_file {place}: {error.strerror or error}") from None
    # Cameras make their own certificates, and few of them to the letter.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
