"""What each kind of nucleus allows and how it behaves, as values.

LITE is nucleus lite 2.6.0 and no later one, CLASSIC is 2.18 by its source alone: nobody has run the suite on it.
How each value of LITE is known stands in `LITE_KNOWN`.
"""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tools.recipes import rules
from tools.recipes.rules import ReadingRules


@dataclass(frozen=True, slots=True)
class RecipeRules:
    """What is done with recipes."""

    reading: ReadingRules
    escapes_values: bool
    """Whether values are made safe inside a shell's double quotes."""
    paths_end_in_slash: bool
    hard_needs_a_service: bool
    """Whether a component with a HARD dependency on one that is only installed can never start."""
    needs_runtime: bool
    """Whether a manifest without the platform's `runtime` is passed over."""
    unpacks_local_artifacts: bool
    """Whether `Unarchive: ZIP` also has an effect in a local deployment, not only in one from the cloud."""


@dataclass(frozen=True, slots=True)
class LifecycleRules:
    """How components are started, restarted and stopped. Times in seconds."""

    in_turn: bool
    """Whether everything is installed (side by side) before anything starts, SOFT dependencies first."""
    attempts: int
    """How many starts (lite) or errors in a row (classic) are allowed within the window."""
    window_s: float
    settle_s: float | None
    """How long a deployment waits for each component to run or to have ended well; None: only for installations."""
    restart_delay_s: float
    timeout_s: float
    """Of install and startup, where the recipe names none."""
    stop_s: float
    """Between SIGTERM and SIGKILL."""
    run_timeout_is_stop_time: bool
    """Whether the Timeout of `run` is how long it may take to stop, and not how long it may run."""
    clean_signals: frozenset[int]
    """Death by one of these is a good end."""


@dataclass(frozen=True, slots=True)
class SpoolRules:
    """The spooler of messages to IoT Core: in memory, gone with the nucleus."""

    size_bytes: int
    message_bytes: int
    in_flight: int
    messages_per_s: float
    bytes_per_s: float
    retries: int
    retry_s: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Limits and habits of a nucleus. Sizes in bytes, times in seconds."""

    name: str
    version: str
    """What components see as GGC_VERSION."""
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
    acknowledges_refusals: bool
    """Whether a refused connection gets its CONNECT_ACK, without the flag that accepts."""
    names_invalid_arguments: bool
    """Whether a malformed request is InvalidArgumentsError, and not ServiceError."""
    own_messages_on_wildcards: bool
    """Whether a wildcard subscription that names no receive mode hears its own component's messages."""
    tokens_outlive_the_server: bool
    """Whether a component's token is still known when the IPC server alone has been started again."""
    refuses_stale_updates: bool
    """Whether an UpdateConfiguration older than the leaf is an error, and not silently ignored."""
    recipes: RecipeRules
    lifecycle: LifecycleRules
    spool: SpoolRules | None
    """None: a message that cannot be sent at once is refused."""


LITE: Final = Profile(
    name="lite",
    version="2.6.0",
    incoming_bytes=10_000,
    outgoing_bytes=10_000,
    topic_length=256,
    connections=50,
    subscriptions=100,
    inbound_mqtt_bytes=5_000,
    readable_errors=False,
    ends_unary_streams=False,
    acknowledges_refusals=False,
    names_invalid_arguments=False,
    own_messages_on_wildcards=True,
    tokens_outlive_the_server=False,
    refuses_stale_updates=False,
    recipes=RecipeRules(
        reading=rules.LITE,
        escapes_values=True,
        paths_end_in_slash=True,
        hard_needs_a_service=True,
        needs_runtime=True,
        unpacks_local_artifacts=False,
    ),
    lifecycle=LifecycleRules(
        in_turn=True,
        attempts=3,
        window_s=3600,
        settle_s=300,
        restart_delay_s=1,
        timeout_s=120,
        stop_s=120,
        run_timeout_is_stop_time=True,
        clean_signals=frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}),
    ),
    spool=None,
)

_ANY: Final = 1 << 30
"""No limit was found in the sources."""
_CLIENT_LIMIT: Final = 24 * 1024 * 1024
"""Of a message, in the client's library: the nucleus has no check of its own."""

CLASSIC: Final = Profile(
    name="classic",
    version="2.18.0",
    incoming_bytes=_CLIENT_LIMIT,
    outgoing_bytes=_CLIENT_LIMIT,
    topic_length=_ANY,
    connections=_ANY,
    subscriptions=_ANY,
    inbound_mqtt_bytes=128 * 1024,
    readable_errors=True,
    ends_unary_streams=True,
    acknowledges_refusals=True,
    names_invalid_arguments=True,
    own_messages_on_wildcards=False,
    tokens_outlive_the_server=True,
    refuses_stale_updates=True,
    recipes=RecipeRules(
        reading=rules.CLASSIC,
        escapes_values=False,
        paths_end_in_slash=False,
        hard_needs_a_service=False,
        needs_runtime=False,
        unpacks_local_artifacts=True,
    ),
    lifecycle=LifecycleRules(
        in_turn=False,
        attempts=3,
        window_s=3600,
        settle_s=None,
        restart_delay_s=0,
        timeout_s=120,
        stop_s=5,
        run_timeout_is_stop_time=False,
        clean_signals=frozenset(),
    ),
    spool=SpoolRules(
        size_bytes=2_621_440,
        message_bytes=128 * 1024,
        in_flight=5,
        messages_per_s=100,
        bytes_per_s=512 * 1024,
        retries=100,
        retry_s=1,
    ),
)

SEEN: Final = "seen on 2.6.0"
SOURCE: Final = "from the source of 2.6.0"

LITE_KNOWN: Final[Mapping[str, str]] = {
    "incoming_bytes": SEEN,
    "outgoing_bytes": SEEN,
    "topic_length": SEEN,
    "connections": SOURCE,
    "subscriptions": SOURCE,
    "inbound_mqtt_bytes": SEEN,
    "readable_errors": SEEN,
    "ends_unary_streams": SEEN,
    "acknowledges_refusals": SEEN,
    "names_invalid_arguments": SEEN,
    "own_messages_on_wildcards": SOURCE,
    "tokens_outlive_the_server": SEEN,
    "refuses_stale_updates": SOURCE,
    "spool": SEEN,
    "recipes.reading": SEEN,
    "recipes.escapes_values": SOURCE,
    "recipes.paths_end_in_slash": SOURCE,
    "recipes.hard_needs_a_service": SOURCE,
    "recipes.needs_runtime": SOURCE,
    "recipes.unpacks_local_artifacts": SEEN,
    "lifecycle.in_turn": f"{SOURCE}; installations side by side since 2.4.0",
    "lifecycle.attempts": SEEN,
    "lifecycle.window_s": SEEN,
    "lifecycle.settle_s": SEEN,
    "lifecycle.restart_delay_s": SEEN,
    "lifecycle.timeout_s": SOURCE,
    "lifecycle.stop_s": SEEN,
    "lifecycle.run_timeout_is_stop_time": SOURCE,
    "lifecycle.clean_signals": SOURCE,
}
"""By field of the profile. 2.6.0 takes any letter in a topic; the refusal of '?' and `${` came with a later version."""

PROFILES: Final = {profile.name: profile for profile in (LITE, CLASSIC)}
