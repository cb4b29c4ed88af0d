"""Every stage of a frame beside its floor or its rival, measured in the same run."""
