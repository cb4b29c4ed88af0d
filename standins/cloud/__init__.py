"""The local cloud: AWS's side of the suite on one machine."""
