"""From frames to changes of episodes."""
