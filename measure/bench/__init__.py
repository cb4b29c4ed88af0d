"""Every stage of a frame compared with its floor or its rival, measured in the same run."""
