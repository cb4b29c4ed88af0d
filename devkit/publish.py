"""`python -m devkit publish`; see devkit/release."""

from devkit.release.verbs import publish as main

__all__ = ["main"]
