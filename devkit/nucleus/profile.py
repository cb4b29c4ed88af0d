"""What one kind of nucleus allows and how it behaves, as a value."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Profile:
    """Limits and habits of a nucleus. Sizes in bytes, times in seconds."""

    name: str
    incoming_bytes: int
    """Of a packet after its prelude; more closes the connection."""
    outgoing_bytes: int
    """Of a whole packet; a larger event is lost, a larger response becomes an error."""
    topic_length: int
    connections: int
    subscriptions: int
    inbound_mqtt_bytes: int
    """Of a payload; a larger one is lost."""
    readable_errors: bool
    """Whether errors carry the key "message"."""
    ends_unary_streams: bool
    """Whether the response of a call without events carries TERMINATE_STREAM."""
    text_scalars: bool
    """Whether every scalar of a YAML recipe is delivered as text."""
    recipe_bytes: int
    script_bytes: int
    starts: int
    start_window_s: float
    restart_delay_s: float
    timeout_s: float
    """Of install and startup, where the recipe names none."""
    stop_s: float
    """Between SIGTERM and SIGKILL."""


LITE: Final = Profile(
    name="lite",
    incoming_bytes=10_000,
    outgoing_bytes=10_000,
    topic_length=256,
    connections=50,
    subscriptions=100,
    inbound_mqtt_bytes=5_000,
    readable_errors=False,
    ends_unary_streams=False,
    text_scalars=True,
    recipe_bytes=8_196,
    script_bytes=10_000,
    starts=3,
    start_window_s=3600,
    restart_delay_s=1,
    timeout_s=120,
    stop_s=120,
)

PROFILES: Final = {profile.name: profile for profile in (LITE,)}
