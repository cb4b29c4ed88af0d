"""The operations that components call. Each takes a request and returns the response's body."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from standins.nucleus import authority, requests
from standins.nucleus.authority import Authority, read_access_control
from standins.nucleus.cloud import Cloud, CloudMessage, CloudUnavailable
from standins.nucleus.configuration import ConfigurationConflict, ConfigurationStore, KeyPath, NoSuchKey
from standins.nucleus.gateways import Gateway
from standins.nucleus.journal import LARGEST_LOCAL_PAYLOAD, Journal
from standins.nucleus.profile import Profile
from standins.nucleus.requests import Body
from standins.nucleus.rpc import PREFIX, ErrorKind, IpcRefused, to_json
from standins.nucleus.subscriptions import (
    ConfigurationSubscription,
    Kind,
    ResponseStream,
    Subscription,
    SubscriptionTable,
    TableFull,
    TopicSubscription,
)

ACCESS_CONTROL = "accessControl"


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who calls, with what, and where events go."""

    component: str
    operation: str
    body: Body
    stream: ResponseStream


Reply = Body | Awaitable[Body]
Handler = Callable[[Call], Reply]
StateListener = Callable[[str, str], None]
"""Called with a component and the state that it reported."""


class IpcOperations:
    """What the nucleus does for its components."""

    def __init__(
        self, profile: Profile, store: ConfigurationStore, cloud: Cloud, gateway: Gateway, journal: Journal
    ) -> None:
        self.table = SubscriptionTable(profile.subscriptions)
        self.state_listener: StateListener = lambda _component, _state: None
        self._profile = profile
        self._store = store
        self._cloud = cloud
        self._gateway = gateway
        self._journal = journal
        self._authorities: dict[str, tuple[int, Authority]] = {}
        self._handlers: dict[str, Handler] = {
            "PublishToTopic": self._publish_to_topic,
            "SubscribeToTopic": self._subscribe_to_topic,
            "PublishToIoTCore": self._publish_to_iot_core,
            "SubscribeToIoTCore": self._subscribe_to_iot_core,
            "GetConfiguration": self._get_configuration,
            "UpdateConfiguration": self._update_configuration,
            "SubscribeToConfigurationUpdate": self._subscribe_to_configuration_update,
            "UpdateState": self._update_state,
        }

    def handle(self, call: Call) -> Reply:
        """The response's body, or the promise of it. Raises IpcRefused."""
        handler = self._handlers.get(call.operation)
        if handler is None:
            # A journal entry too: on lite the caller cannot read the reason.
            self._journal.write("unsupported", component=call.component, operation=call.operation)
            reason = f"the stand-in of nucleus {self._profile.name} does not have {call.operation}"
            raise IpcRefused(ErrorKind.SERVICE, reason)
        return handler(call)

    def deliver_cloud(self, message: CloudMessage) -> None:
        """Hand a message from IoT Core to its subscribers; too large ones are lost."""
        lost = len(message.payload) > self._profile.inbound_mqtt_bytes
        self._journal.write(
            "cloud_receive",
            topic=message.topic,
            bytes=len(message.payload),
            payload=message.payload,
            lost="too large" if lost else None,
        )
        if lost:
            return
        content = {"topicName": message.topic, "payload": base64.b64encode(message.payload).decode()}
        body = to_json({"message": content})
        for entry in self.table.wanting(Kind.CLOUD, message.topic):
            entry.stream.send("IoTCoreMessage", body)

    def configuration_changed(self, component: str, path: KeyPath) -> None:
        """Notify subscribers; the event names the leaf, not its value."""
        self._journal.write("configuration_changed", component=component, key_path=list(path))
        event = {"configurationUpdateEvent": {"componentName": component, "keyPath": list(path)}}
        for entry in self.table.watching(component, path):
            entry.stream.send("ConfigurationUpdateEvents", to_json(event))

    async def end_stream(self, key: tuple[int, int]) -> None:
        """Forget what a stream subscribed to."""
        entry = self.table.remove(key)
        if isinstance(entry, TopicSubscription) and entry.kind is Kind.CLOUD:
            await self._unsubscribe_cloud(entry.topic_filter)

    async def end_connection(self, number: int) -> None:
        """Forget what a connection subscribed to."""
        for key in self.table.of_connection(number):
            await self.end_stream(key)

    def _publish_to_topic(self, call: Call) -> Body:
        message = requests.local_message(call.body)
        self._authorise(call, authority.PUBSUB, message.topic)
        self._check_topic(message.topic)
        if self._profile.names_invalid_arguments and any(sign in message.topic for sign in "+#*"):
            raise requests.invalid("Publish topic must not contain a wildcard.")
        content = message.content_bytes()
        self._journal.write(
            "local_publish",
            component=call.component,
            topic=message.topic,
            bytes=len(content),
            payload=content if len(content) <= LARGEST_LOCAL_PAYLOAD else None,
        )
        body = to_json(message.event())
        for entry in self.table.wanting(Kind.LOCAL, message.topic):
            if not (entry.others_only and entry.component == call.component):
                entry.stream.send("SubscriptionResponseMessage", body)
        return {}

    def _subscribe_to_topic(self, call: Call) -> Body:
        topic_filter = requests.required(call.body, "topic", str)
        self._authorise(call, authority.PUBSUB, topic_filter)
        self._check_filter(topic_filter)
        others_only = self._hears_others_only(topic_filter, call.body.get("receiveMode"))
        self._add(TopicSubscription(call.stream, Kind.LOCAL, topic_filter, call.component, others_only))
        return {}

    async def _publish_to_iot_core(self, call: Call) -> Body:
        message = CloudMessage(
            requests.required(call.body, "topicName", str),
            requests.from_base64(requests.required(call.body, "payload", str)) if "payload" in call.body else b"",
            requests.quality(call.body),
        )
        self._authorise(call, authority.MQTT_PROXY, message.topic)
        try:
            await self._gateway.publish(call.component, message)
        except CloudUnavailable as error:
            raise IpcRefused(ErrorKind.SERVICE, f"Failed to publish the message: {error}") from error
        return {}

    async def _subscribe_to_iot_core(self, call: Call) -> Body:
        topic_filter = requests.required(call.body, "topicName", str)
        qos = requests.quality(call.body)
        self._authorise(call, authority.MQTT_PROXY, topic_filter)
        self._check_filter(topic_filter)
        # Before the broker answers: a retained message may come with its answer.
        self._add(TopicSubscription(call.stream, Kind.CLOUD, topic_filter, call.component))
        try:
            await self._gateway.subscribe(topic_filter, qos)
        except CloudUnavailable as error:
            self.table.remove(call.stream.key)
            raise IpcRefused(ErrorKind.SERVICE, f"Failed to bind the subscription: {error}") from error
        # The component may have given up while waiting for the broker.
        await self._unsubscribe_cloud(topic_filter)
        return {}

    def _get_configuration(self, call: Call) -> Body:
        component, path, value = self._read(call)
        if not isinstance(value, dict):
            value = {path[-1]: value}
        return {"componentName": component, "value": value}

    def _update_configuration(self, call: Call) -> Body:
        wrong = ErrorKind.INVALID_ARGUMENTS
        path = requests.key_path(call.body, wrong)
        if "valueToMerge" not in call.body:
            raise requests.invalid("valueToMerge is missing", wrong)
        value = call.body["valueToMerge"]
        # Lite takes a float only, and the client of the SDK always sends one.
        at_ms = int(requests.required(call.body, "timestamp", float, wrong) * 1000)
        if path[:1] == (ACCESS_CONTROL,) or (not path and isinstance(value, dict) and ACCESS_CONTROL in value):
            raise IpcRefused(wrong, "Config update is not allowed for following field [accessControl]")
        try:
            stale = self._store.merge(call.component, path, value, at_ms)
        except ConfigurationConflict as error:
            raise IpcRefused(ErrorKind.SERVICE, f"Failed to update the configuration: {error}") from error
        if stale and self._profile.refuses_stale_updates:
            reason = "Proposed timestamp is older than the config's latest modified timestamp"
            raise IpcRefused(ErrorKind.FAILED_UPDATE_CONDITION, reason)
        return {}

    def _subscribe_to_configuration_update(self, call: Call) -> Body:
        component, path, _ = self._read(call)
        self._add(ConfigurationSubscription(call.stream, component, path))
        return {}

    def _read(self, call: Call) -> tuple[str, KeyPath, object]:
        """The component, path and value that a request names."""
        path = requests.key_path(call.body)
        component = requests.component_name(call.body, call.component)
        try:
            return component, path, self._store.read(component, path)
        except NoSuchKey as error:
            raise IpcRefused(ErrorKind.RESOURCE_NOT_FOUND, f"Key not found: {error}") from error

    def _update_state(self, call: Call) -> Body:
        state = requests.required(call.body, "state", str)
        if state not in {"RUNNING", "ERRORED"}:
            raise IpcRefused(ErrorKind.SERVICE, f"{state} is not a state that a component may report")
        self.state_listener(call.component, state)
        return {}

    def _authorise(self, call: Call, service: str, resource: str) -> None:
        generation = self._store.generation(call.component)
        known = self._authorities.get(call.component)
        if known is None or known[0] != generation:
            known = (generation, read_access_control(self._store.document(call.component).get(ACCESS_CONTROL)))
            self._authorities[call.component] = known
        if not known[1].allows(service, PREFIX + call.operation, resource):
            self._journal.write("denied", component=call.component, operation=call.operation, resource=resource)
            raise IpcRefused(ErrorKind.UNAUTHORIZED, "IPC Operation not authorized.")

    def _check_topic(self, topic: str) -> None:
        if len(topic.encode()) > self._profile.topic_length:
            raise IpcRefused(ErrorKind.SERVICE, f"The topic is over {self._profile.topic_length} characters")

    def _check_filter(self, topic_filter: str) -> None:
        self._check_topic(topic_filter)
        if not topic_filter:
            raise requests.invalid("The topic is empty")

    def _add(self, entry: Subscription) -> None:
        try:
            self.table.add(entry)
        except TableFull as error:
            raise IpcRefused(ErrorKind.SERVICE, f"Failed to bind the subscription: {error}") from error

    async def _unsubscribe_cloud(self, topic_filter: str) -> None:
        if not self.table.has_filter(Kind.CLOUD, topic_filter):
            await self._cloud.unsubscribe(topic_filter)

    def _hears_others_only(self, topic_filter: str, receive_mode: object) -> bool:
        """Whether a component's own messages are left out: as it asked, or by classic's rule for wildcards."""
        if self._profile.own_messages_on_wildcards:
            return False
        if receive_mode is None:
            return any(sign in topic_filter for sign in "+#*")
        return receive_mode == "RECEIVE_MESSAGES_FROM_OTHERS"
