"""`python -m devkit status`; see devkit/release."""

from devkit.release.verbs import status as main

__all__ = ["main"]
