"""Who would really get an alert: each group's subscriptions, as SNS has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.alerts.stack import AlertsSite


@dataclass(frozen=True, slots=True)
class Reach:
    """A group, how many of its subscriptions are confirmed, whose wait for that, and the addresses of all."""

    group: str
    confirmed: int
    waiting: tuple[str, ...] = ()
    everybody: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.waiting:
            return f"{self.group}: {self.confirmed} confirmed"
        wait = "1 waits for its" if len(self.waiting) == 1 else f"{len(self.waiting)} wait for their"
        return f"{self.group}: {self.confirmed} confirmed, {wait} confirmation: {', '.join(self.waiting)}"


def reach_of(site: AlertsSite) -> tuple[Reach, ...]:
    """Every group that the deployed function knows. Raises what AWS raises."""
    function = site.client("lambda").get_function_configuration(FunctionName=site.output("FunctionName"))
    variables: Mapping[str, str] = function["Environment"]["Variables"]
    groups, topics = json.loads(variables["AUDIENCE"])["groups"], json.loads(variables["TOPIC_ARNS"])
    sns = site.client("sns")
    return tuple(_reach(sns, group["name"], topic) for group, topic in zip(groups, topics, strict=True))


def _reach(sns: Any, group: str, topic: str) -> Reach:  # noqa: ANN401 - boto3's clients have no common type
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    found = [(one["SubscriptionArn"], one["Endpoint"]) for page in pages for one in page["Subscriptions"]]
    everybody = tuple(endpoint for arn, endpoint in found if arn != "Deleted")
    # SNS shows a word instead of an ARN: PendingConfirmation, or Deleted for who has left a moment ago.
    waiting = tuple(endpoint for arn, endpoint in found if arn == "PendingConfirmation")
    return Reach(group, sum(arn.startswith("arn:") for arn, _ in found), waiting, everybody)
