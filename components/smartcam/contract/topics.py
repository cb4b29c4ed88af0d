"""Topics: local ones between the components, cloud ones below `smartcam/v1/<thing>`."""

from smartcam.contract.ids import CameraId, ThingName

FRAMES_PREFIX = "smartcam/frames/"
ALL_FRAMES = FRAMES_PREFIX + "+"
TRANSPORT_PREFIX = "smartcam/transport/"
CLIPS_PREFIX = "smartcam/clips/"
ALL_CLIPS = CLIPS_PREFIX + "+"
VIEWS_PREFIX = "smartcam/views/"
ALL_VIEWS = VIEWS_PREFIX + "+"
LOCAL_HEALTH = "smartcam/health"
"""Where inference says on the device itself what it tells the cloud of its health."""
SETTINGS_PREFIX = "smartcam/settings/"
ALL_SETTINGS = SETTINGS_PREFIX + "+"
_WHOLE_DEVICE = ".all"
"""In a camera's place; no camera's id has a dot. The classic nucleus refuses a `*` in a topic."""
CLOUD_PREFIX = "smartcam/v1"
EVENT_FILTER = f"{CLOUD_PREFIX}/+/+/event"
HEALTH_FILTER = f"{CLOUD_PREFIX}/+/health"


def frames_topic(camera: CameraId) -> str:
    """Where capture announces frames and its own state."""
    return FRAMES_PREFIX + camera


def transport_topic(camera: CameraId) -> str:
    """Where inference asks capture for another way of passing on frames."""
    return TRANSPORT_PREFIX + camera


def clips_topic(camera: CameraId) -> str:
    """Where inference says from when to when capture is to keep a clip, and capture which clips it has."""
    return CLIPS_PREFIX + camera


def views_topic(camera: CameraId) -> str:
    """Where somebody says that he looks at a camera, and inference what it sees as long as somebody does."""
    return VIEWS_PREFIX + camera


def settings_topic(camera: CameraId | None) -> str:
    """Where the console says what it wishes of a camera, for None of the whole device, and where it is answered."""
    return SETTINGS_PREFIX + (_WHOLE_DEVICE if camera is None else camera)


def event_topic(thing: ThingName, camera: CameraId) -> str:
    """Where a device's events go."""
    return f"{CLOUD_PREFIX}/{thing}/{camera}/event"


def health_topic(thing: ThingName) -> str:
    """Where a device's health goes."""
    return f"{CLOUD_PREFIX}/{thing}/health"


def ack_topic(thing: ThingName) -> str:
    """Where the cloud answers a device: it acknowledges events, and says what it wants of the device."""
    return f"{CLOUD_PREFIX}/{thing}/ack"


def probe_topic(thing: ThingName) -> str:
    """Where the doctor asks the cloud for a document that nobody keeps: AWS answers every device that may ask."""
    return f"$aws/things/{thing}/shadow/name/smartcam-doctor/get"


def probe_answers(thing: ThingName) -> str:
    """Where that answer arrives, whether it is `accepted` or, as it should be, `rejected`."""
    return f"{probe_topic(thing)}/+"
