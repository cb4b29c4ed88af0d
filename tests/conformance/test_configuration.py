import datetime as dt
import time
from collections.abc import Mapping, Sequence

import pytest
from awsiot.greengrasscoreipc.model import (
    InvalidArgumentsError,
    ResourceNotFoundError,
    ServiceError,
    UpdateStateResponse,
)

from standins.nucleus.testbed import RunningNucleus
from tests.conformance.target import COMPONENT, CONFIGURATION, Line


def update(line: Line, value: Mapping[str, object], path: Sequence[str] = (), at: dt.datetime | None = None) -> None:
    at = at or dt.datetime.now(dt.UTC)
    line.ipc.update_configuration(key_path=list(path), timestamp=at, value_to_merge=value)


def test_the_whole_configuration_is_read_with_scalars_as_text(line: Line) -> None:
    response = line.ipc.get_configuration()
    assert {key: response.value[key] for key in CONFIGURATION} == CONFIGURATION
    assert "accessControl" in response.value
    assert response.component_name == COMPONENT


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["nested"], {"leaf": "text", "other": "true"}),
        (["nested", "leaf"], {"leaf": "text"}),
        (["number"], {"number": "5"}),
        (["empty"], {}),
    ],
)
def test_a_leaf_is_wrapped_in_its_key_and_an_object_is_not(line: Line, path: list[str], value: object) -> None:
    assert line.ipc.get_configuration(key_path=path).value == value


@pytest.mark.parametrize("path", [["missing"], ["nested", "missing"], ["number", "below"]])
def test_a_missing_key_is_not_found(line: Line, path: list[str]) -> None:
    with pytest.raises(ResourceNotFoundError):
        line.ipc.get_configuration(key_path=path)
    with pytest.raises(ResourceNotFoundError):
        line.watch(key_path=path)


def test_a_missing_component_is_not_found(line: Line) -> None:
    with pytest.raises(ResourceNotFoundError):
        line.ipc.get_configuration(component_name="no.such.Component")


def test_another_components_configuration_may_be_read(nucleus: RunningNucleus, line: Line) -> None:
    nucleus.add_component("test.Other", configuration={"a": ["1", "2"]})
    response = line.ipc.get_configuration(component_name="test.Other")
    assert (response.component_name, response.value) == ("test.Other", {"a": ["1", "2"]})


def test_an_update_keeps_the_types_of_json(line: Line) -> None:
    written = {"number": 5, "truth": True, "list": [1, "2"], "inner": {"text": "x"}}
    update(line, written, ["written"])
    assert line.ipc.get_configuration(key_path=["written"]).value == written


def test_an_older_update_is_silently_left_out(line: Line) -> None:
    now = dt.datetime.now(dt.UTC)
    update(line, {"aged": "new"}, at=now + dt.timedelta(seconds=10))
    update(line, {"aged": "old"}, at=now)
    assert line.ipc.get_configuration(key_path=["aged"]).value == {"aged": "new"}


@pytest.mark.parametrize(
    ("path", "value"), [([], {"accessControl": {}}), (["accessControl"], {"x": "y"}), (["accessControl", "a"], {})]
)
def test_no_component_may_change_its_own_rights(line: Line, path: list[str], value: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentsError):
        update(line, value, path)


def test_an_update_without_time_is_an_invalid_argument(line: Line) -> None:
    with pytest.raises(InvalidArgumentsError):
        line.ipc.update_configuration(value_to_merge={"a": "b"})


def test_a_value_in_the_place_of_an_object_is_a_service_error(line: Line) -> None:
    with pytest.raises(ServiceError):
        update(line, {"nested": "value"})
    with pytest.raises(ServiceError):
        update(line, {"number": {"inner": "x"}})


def test_an_update_takes_nothing_away(line: Line) -> None:
    update(line, {"zones": {"a": [["0", "0"]], "b": [["1", "1"]]}}, ["kept"])
    for zones in ({"b": [["1", "1"]]}, dict[str, object]()):
        update(line, {"zones": zones}, ["kept"])
        assert set(line.ipc.get_configuration(key_path=["kept", "zones"]).value) == {"a", "b"}


def test_an_update_that_fails_has_been_written_in_part(line: Line) -> None:
    with pytest.raises(ServiceError):
        update(line, {"half": "written", "nested": "a value in the place of an object"})
    assert line.ipc.get_configuration(key_path=["half"]).value == {"half": "written"}


def test_a_document_that_outgrows_one_message_cannot_be_read_any_more(nucleus: RunningNucleus, line: Line) -> None:
    assert nucleus  # a real one would keep it
    for part in range(3):
        update(line, {f"part{part}": "x" * 4000}, ["large"])
    with pytest.raises(ServiceError):
        line.ipc.get_configuration()


def test_each_changed_leaf_is_told_once_with_its_whole_path_and_no_value(line: Line) -> None:
    heard = line.watch()
    stamp = str(time.monotonic_ns())
    update(line, {"told": {"one": stamp, "two": stamp}, "last": stamp})
    events = [event.configuration_update_event for event in heard.events(3)]
    assert sorted(event.key_path for event in events) == [["last"], ["told", "one"], ["told", "two"]]
    assert {event.component_name for event in events} == {COMPONENT}


def test_a_value_that_stays_the_same_is_not_told(line: Line) -> None:
    update(line, {"same": "x"})
    heard = line.watch()
    update(line, {"same": "x", "other": str(time.monotonic_ns())})
    assert [event.configuration_update_event.key_path for event in heard.events(1)] == [["other"]]


def test_a_subscription_to_a_key_hears_of_that_key_alone(line: Line) -> None:
    heard = line.watch(key_path=["nested"])
    stamp = str(time.monotonic_ns())
    update(line, {"elsewhere": stamp})
    update(line, {"below": {"deep": stamp}}, ["nested"])
    assert [event.configuration_update_event.key_path for event in heard.events(1)] == [["nested", "below", "deep"]]


def test_a_deployments_merge_is_told_too(nucleus: RunningNucleus, line: Line) -> None:
    heard = line.watch(component_name=COMPONENT)
    nucleus.merge_configuration(COMPONENT, {"nested": {"leaf": "deployed"}, "number": "5"})
    assert [event.configuration_update_event.key_path for event in heard.events(1)] == [["nested", "leaf"]]
    assert line.ipc.get_configuration(key_path=["nested", "leaf"]).value == {"leaf": "deployed"}


@pytest.mark.parametrize("state", ["RUNNING", "ERRORED"])
def test_a_component_may_report_its_state(line: Line, state: str) -> None:
    assert isinstance(line.ipc.update_state(state=state), UpdateStateResponse)


def test_a_state_that_does_not_exist_is_a_service_error(line: Line) -> None:
    with pytest.raises(ServiceError):
        line.ipc.update_state(state="SLEEPING")
