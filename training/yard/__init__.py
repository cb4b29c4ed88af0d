"""A synthetic yard by day and night: every picture is a pure function of a scene's specification and a time."""
