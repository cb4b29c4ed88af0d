"""Constants that the stack and the function share."""

from typing import Final

CAMERA_KEY: Final = "camera"
ITEM_KEY: Final = "item"
TTL_ATTRIBUTE: Final = "forget_at"
FLEET_PARTITION: Final = "fleet"
"""What is known of devices; no camera's partition: those hold a '/'."""
DEVICE_ITEM: Final = "device#"
CLIP_KEYS: Final = "clip_keys"
"""Of a device's item and of that of an event with clips, see `clip_keys.py`."""
ARRIVALS_INDEX: Final = "arrivals"
"""Events by the day and time of their arrival: how a person follows all cameras at once."""
ARRIVED_DAY: Final = "arrived_day"
ARRIVED_AT: Final = "recorded_at"
HISTORY_DAYS: Final = 90
"""Longer than an outbox keeps an event (a week by default), because repetitions are recognised by the history."""
DISPLAY_NAME: Final = "Smartcam"
TIMEOUT_S: Final = 30
LEASE_S: Final = 45
"""Longer than an invocation can live, shorter than Lambda waits before it tries again (a minute)."""
LONGEST_DELAY_S: Final = 900
"""The longest delay of SQS; a later timer is set again on the way."""
SMS_ATTRIBUTE: Final = "sms"
SMS_ALLOWED: Final = "allowed"
"""Phones' subscriptions only let through messages that say so: the guard against bills can hold back SMS alone."""
EMAILS_PER_SECOND: Final = 2
"""SNS suspends an e-mail subscription above ten a second, and what comes up to three seconds late goes out too."""
