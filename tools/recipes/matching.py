"""Topics against filters and against the resources of an access policy. Pure."""

import re


def topic_matches(topic: str, topic_filter: str) -> bool:
    """Whether a topic matches an MQTT filter with '+' and '#'.

    As in MQTT, a wildcard at the beginning does not reach topics that begin with '$'.
    """
    if topic.startswith("$") and topic_filter[:1] in {"+", "#"}:
        return False
    wanted = topic_filter.split("/")
    levels = topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return place == len(wanted) - 1
        if place >= len(levels) or level not in {"+", levels[place]}:
            return False
    return len(wanted) == len(levels)


def glob_matches(resource: str, pattern: str) -> bool:
    """Whether a resource matches a policy's pattern, in which only '*' is special: any text.

    `${*}`, `${?}` and `${$}` stand for the character itself.
    """
    parts = re.split(r"(\$\{.*?\}|\*)", pattern)
    expression = "".join(
        ".*" if part == "*" else re.escape(part[2:-1] if part.startswith("${") else part) for part in parts
    )
    return re.fullmatch(expression, resource, re.DOTALL) is not None


def mqtt_resource_matches(resource: str, pattern: str) -> bool:
    """Whether a topic or filter is allowed by a policy's pattern with '+' and '#'.

    As nucleus lite does it: '+' takes what is left of a level even inside it, '#' takes the
    rest wherever it is, and requested wildcards are compared as plain text.
    """
    head, anything, _ = pattern.partition("#")
    expression = "[^/]*".join(re.escape(part) for part in head.split("+"))
    return re.fullmatch(expression + (".*" if anything else ""), resource, re.DOTALL) is not None


def is_valid_resource(resource: str) -> bool:
    """Whether every lite takes a topic or resource: after 2.6.0 a bare '?' and unknown `${...}` are refused."""
    return re.fullmatch(r"(?:\$\{[*?$]\}|\$(?!\{)|[^?$])*", resource, re.DOTALL) is not None
