"""The deployed template as devices and people meet it: broker, policies, functions, table, queues and topics."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue

import pytest

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import event_topic
from standins.cloud.command import main as confirm
from standins.cloud.inbox import ReceivedMessage
from tests.infra.local_site import FAILURES, THING, Device, Site, deployed, fresh, ids_of, wait_until
from tests.infra.sample import raised
from tests.waiting import PATIENCE_S
from tools.alerts.reach import Reach, reach_of
from tools.alerts.redrive import main as redrive
from tools.alerts.stack import find_site
from tools.alerts.trial import main as trial
from tools.command_line import ROOT

BURST = 12
COOLDOWN_S = 20
"""All of the burst is to come within it, however slow the machine is."""

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".venv-cloud").is_dir(), reason="the local cloud is not set up (.venv-cloud)"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # Everything that may be added; the fleet's tests deploy what a home gets.
    context = {"cooldown_seconds": str(COOLDOWN_S), "monitoring": "full", "key": "own"}
    with deployed(tmp_path_factory.mktemp("alerts"), context) as there:
        yield there


@pytest.fixture(scope="module")
def connection(site: Site) -> Device:
    return site.connect()


@pytest.fixture
def device(connection: Device) -> Device:
    """The one connection that a thing has, without answers to former questions."""
    while not connection.replies.empty():
        connection.replies.get()
    return connection


@pytest.fixture(scope="module")
def burst() -> list[Event]:
    return [fresh() for _ in range(BURST)]


def test_a_burst_is_recorded_and_answered_and_one_of_it_is_alerted(
    site: Site, device: Device, burst: list[Event]
) -> None:
    events = burst
    for event in events:
        device.send(event)
    replies = {device.reply() for _ in events}
    assert replies == {
        Acknowledgement(event.event_id, Phase.RAISED, AckStatus.ACCEPTED, revision=0) for event in events
    }
    assert sorted(str(site.state_of(event)) for event in events) == ["SENT"] + ["SUPPRESSED"] * (BURST - 1)


def test_a_higher_severity_passes_the_cooldown(site: Site, device: Device) -> None:
    first, second = fresh("drive"), fresh("drive", severity=Severity.CRITICAL)
    for event in (first, second):
        device.send(event)
        assert device.reply().status is AckStatus.ACCEPTED
    assert [site.state_of(event) for event in (first, second)] == ["SENT", "SENT"]


def test_motion_that_turns_out_to_be_a_person_is_so_in_the_history_and_alerts_nobody_twice(
    site: Site, device: Device
) -> None:
    motion = fresh("porch", kind=EventKind.MOTION, severity=Severity.INFO, cause="motion")
    person = replace(motion, kind=EventKind.PERSON, severity=Severity.WARNING, cause="detected", revision=1)
    for event in (motion, person, motion):
        device.send(event)
        accepted = Acknowledgement(event.event_id, Phase.RAISED, AckStatus.ACCEPTED, revision=event.revision)
        assert device.reply() == accepted
    assert site.item_of(person)["kind"] == {"S": "person"}
    assert site.item_of(person)["raised"] == {"S": person.to_json().decode()}
    wait_until(lambda: bool(site.told("alert", "porch")))
    [alert] = site.told("alert", "porch")
    assert alert.event_id == motion.event_id


def test_a_payload_in_anothers_name_is_refused_answered_and_kept(site: Site, device: Device) -> None:
    stolen = raised(thing=ThingName("yard-2"))
    device.send(stolen)
    reply = device.reply()
    assert (reply.event_id, reply.status) == (stolen.event_id, AckStatus.REFUSED)
    assert reply.reason == "thing: must be yard-1, as in the topic"
    assert site.state_of(stolen) is None
    wait_until(lambda: len(site.waiting("FailureQueueUrl")) == 1)
    [kept] = site.waiting("FailureQueueUrl")
    assert kept["requestContext"] == {"condition": "Refused"}


def test_an_unknown_field_passes_and_an_unknown_schema_is_refused_and_kept(site: Site, device: Device) -> None:
    newer = fresh("shed")
    device.publish(newer.to_json()[:-1] + b',"mood":"calm"}', newer.camera_id)
    assert device.reply().status is AckStatus.ACCEPTED
    assert site.state_of(newer) == "SENT"
    tomorrow = fresh("shed")
    device.publish(tomorrow.to_json().replace(b'"schema":1', b'"schema":2'), tomorrow.camera_id)
    reply = device.reply()
    assert (reply.event_id, reply.status) == (tomorrow.event_id, AckStatus.REFUSED)
    assert reply.reason.startswith("schema: must be 1")
    wait_until(lambda: len(site.waiting("FailureQueueUrl")) == 2)
    wait_until(lambda: '"SchemaUnknown": 1' in site.cloud.log.read_text())  # what the operations' alarm counts


def test_poison_is_kept_by_a_redrive_until_a_person_wants_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in site.cloud.environment().items():
        monkeypatch.setenv(name, value)
    assert redrive([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 x keep it"
    assert len(site.waiting("FailureQueueUrl")) == 2
    assert redrive(["--refused"]) == 0
    assert "2 x start the function with it" in capsys.readouterr().out
    wait_until(lambda: len(site.waiting("FailureQueueUrl")) == 2)  # refused again
    for message in site.waiting("FailureQueueUrl"):
        assert message["requestContext"] == {"condition": "Refused"}
    site.client("sqs").purge_queue(QueueUrl=site.outputs["FailureQueueUrl"])


def test_the_test_of_the_alerts_fails_as_long_as_a_group_has_nobody_who_has_confirmed(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in site.cloud.environment().items():
        monkeypatch.setenv(name, value)
    sns, topic = site.client("sns"), site.outputs["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="late@example.org")
    assert trial(["--thing", THING, "--camera", "trial-1"]) == 0
    assert "everyone: 2 confirmed, 1 waits for its confirmation: late@example.org" in capsys.readouterr().out
    monkeypatch.setattr("tools.alerts.trial.reach_of", lambda _site: (Reach("everyone", 0),))
    assert trial(["--thing", THING, "--camera", "trial-2"]) == 1
    assert capsys.readouterr().out.startswith("sent, but nobody gets it in everyone")
    assert confirm(["confirm", "--dir", str(site.cloud.folder)]) == 0
    assert capsys.readouterr().out == "confirmed: late@example.org\n"
    [late] = [one for one in reach_of(find_site()) if not one.waiting]
    assert late.confirmed == 3
    [arn] = [one["SubscriptionArn"] for one in _subscriptions(site) if one["Endpoint"] == "late@example.org"]
    sns.unsubscribe(SubscriptionArn=arn)


def _subscriptions(site: Site) -> list[dict[str, str]]:
    found: list[dict[str, str]] = site.client("sns").list_subscriptions_by_topic(TopicArn=site.outputs["TopicArn"])[
        "Subscriptions"
    ]
    return found


def test_the_burst_has_given_one_alert_and_one_closing_message_per_channel(site: Site, burst: list[Event]) -> None:
    def texts() -> list[ReceivedMessage]:
        return [text for text in site.cloud.texts() if text.body.startswith("Smartcam> gate: ")]

    wait_until(lambda: bool(site.told("closing", "gate")))
    wait_until(lambda: len(texts()) == 2)
    [alert], [closing] = site.told("alert", "gate"), site.told("closing", "gate")
    text, closing_text = texts()
    assert alert.event_id == text.event_id
    assert text.body.startswith("Smartcam> gate: Person, ")
    assert alert.subject.startswith("gate: Person, ")
    number = alert.attributes["alert_number"]
    assert number in text.body
    assert closing_text.body.startswith(f"Smartcam> gate: {BURST - 1} more after alert {number} of ")
    assert closing.subject == f"gate: {BURST - 1} more after alert {number}"
    assert all(event.event_id in alert.body + closing.body for event in burst)


@pytest.mark.parametrize("refused", [3, pytest.param(15, marks=pytest.mark.soak)])
def test_while_sns_is_away_nothing_is_lost_and_nothing_doubled(site: Site, device: Device, refused: int) -> None:
    """Until it has refused so many messages: each pause between two tries is twice as long as the one before."""
    role = role_of(site)
    denied = {"Effect": "Deny", "Action": "sns:Publish", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    site.client("iam").put_role_policy(RoleName=role, PolicyName="Outage", PolicyDocument=document)
    events = [fresh(f"outage-{refused}-{number}") for number in range(3)]
    before = site.cloud.log.read_text().count("publish_failed ")
    for event in events:
        device.send(event)
    assert device.accepted(len(events)) == ids_of(events)
    assert [site.state_of(event) for event in events] == ["RECORDED"] * 3
    wait_until(lambda: site.cloud.log.read_text().count("publish_failed ") >= before + refused)
    site.client("iam").delete_role_policy(RoleName=role, PolicyName="Outage")
    wait_until(lambda: all(site.state_of(event) == "SENT" for event in events))
    wait_until(lambda: sum(len(site.told("alert", event.camera_id)) for event in events) == 3)


def role_of(site: Site) -> str:
    configuration = site.client("lambda").get_function_configuration(FunctionName=site.outputs["FunctionName"])
    return str(configuration["Role"]).rsplit("/", 1)[1]


def test_what_the_function_could_not_take_is_handed_on_by_a_redrive(
    site: Site, device: Device, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table, event, queue = site.outputs["TableName"], fresh("cellar"), site.outputs["TimerQueueUrl"]
    sqs = site.client("sqs")
    kept = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy", "VisibilityTimeout"])["Attributes"]
    soon = {"maxReceiveCount": 2, "deadLetterTargetArn": json.loads(kept["RedrivePolicy"])["deadLetterTargetArn"]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(soon)})
    site.configure(TABLE_NAME="elsewhere")
    device.send(event)
    wait_until(lambda: bool(site.waiting("UntimelyQueueUrl")))
    site.configure(TABLE_NAME=table)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=kept)
    assert site.state_of(event) is None
    for name, value in site.cloud.environment().items():
        monkeypatch.setenv(name, value)
    assert redrive(["--dry-run"]) == 0
    assert redrive([]) == 0
    assert capsys.readouterr().out.count("1 x start the function with it") == 2
    assert device.accepted(1) == {event.event_id}
    assert site.state_of(event) == "SENT"
    assert site.waiting("UntimelyQueueUrl") == []


def test_a_device_cannot_speak_on_anothers_topic(site: Site, device: Device) -> None:
    event = raised(thing=ThingName("yard-2"))
    # At most once, or the client would send it again with each new connection that it is granted.
    device.client.publish(event_topic(ThingName("yard-2"), event.camera_id), event.to_json(), qos=0)
    with pytest.raises(Empty):
        device.replies.get(timeout=1)
    assert site.state_of(event) is None


def test_a_machine_gets_alerts_as_json_over_https(site: Site, device: Device) -> None:
    with_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with_tls.load_cert_chain(site.cloud.folder / "server.pem", site.cloud.folder / "server.key")
    got: Queue[dict[str, str]] = Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.socket = with_tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url, topic = f"https://localhost:{server.server_port}/hook", site.outputs["TopicArn"]
        site.client("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint=url)
        asked = got.get(timeout=PATIENCE_S)
        site.client("sns").confirm_subscription(TopicArn=topic, Token=asked["Token"])
        event = fresh("hooked")
        device.send(event)
        documents = iter(lambda: json.loads(got.get(timeout=PATIENCE_S)["Message"]), None)
        document = next(one for one in documents if one.get("camera_id") == event.camera_id)
    finally:
        server.shutdown()
        server.server_close()
    assert (document["purpose"], document["event_ids"], document["thing"]) == ("alert", [event.event_id], THING)


def test_nothing_else_is_in_any_queue_of_failures(site: Site) -> None:
    assert {queue: site.waiting(queue) for queue in FAILURES} == {queue: [] for queue in FAILURES}
