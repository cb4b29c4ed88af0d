"""What a component does on the bus, read from its source: so that a recipe asks for exactly that."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from smartcam.contract import topics
from smartcam.contract.errors import SmartcamError
from tools.lint.facts import Use
from tools.recipes.keys import MQTT, PUBSUB

_CALLS: Final[Mapping[str, tuple[str, str]]] = {
    "publish_local": (PUBSUB, "aws.greengrass#PublishToTopic"),
    "subscribe_local": (PUBSUB, "aws.greengrass#SubscribeToTopic"),
    "publish_cloud": (MQTT, "aws.greengrass#PublishToIoTCore"),
    "subscribe_cloud": (MQTT, "aws.greengrass#SubscribeToIoTCore"),
}
_TOPICS: Final = "smartcam.contract.topics"
_SHELL: Final = "smartcam.edge."
_BUS: Final = "smartcam.edge.bus."


class UnknownTopic(SmartcamError):
    """A call whose topic cannot be determined from the source."""


def uses_of(package: Path) -> frozenset[Use]:
    """Every operation and topic of a package's calls to its bus, and of what it imports of the shell beside it.

    Raises:
        UnknownTopic: when a topic does not come from `smartcam.contract.topics`.
    """
    modules = {file: _parsed(file) for file in sorted(package.rglob("*.py"))}
    waiting = list(modules.values())
    while waiting:
        for file in _of_the_shell(waiting.pop(), package.parent):
            if file not in modules:
                modules[file] = _parsed(file)
                waiting.append(modules[file])
    return frozenset(use for file, module in modules.items() for use in _uses_in(file, module))


def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=str(file))


def _of_the_shell(module: ast.Module, root: Path) -> Iterator[Path]:
    """The files of `smartcam.edge` that a module imports, without the bus itself: it sends what others tell it to."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_SHELL):
            file = root.joinpath(*node.module.split(".")[1:]).with_suffix(".py")
            if file.is_file() and not node.module.startswith(_BUS):
                yield file


def _uses_in(file: Path, module: ast.Module) -> Iterator[Use]:
    named = _named_here(module)
    forwarded = set(_forwarded(module))
    for node in ast.walk(module):
        if node in forwarded:
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CALLS:
            service, operation = _CALLS[node.func.attr]
            topic = _topic(node.args[0], module, named) if node.args else None
            if topic is None:
                raise UnknownTopic(f"{file}:{node.lineno}: take the topic of {node.func.attr} from {_TOPICS}")
            yield Use(service, operation, topic.replace("+", "*") if service == PUBSUB else topic)


def _named_here(module: ast.Module) -> Mapping[str, str]:
    """What a module imports of the topics: by the name that it has there, the one that it has among them."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == _TOPICS
        for alias in node.names
    }


def _forwarded(module: ast.Module) -> Iterator[ast.Call]:
    """Calls of a bus that wraps another one: the topic is its caller's, which is checked instead."""
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef) and function.name in _CALLS:
            parameters = {argument.arg for argument in function.args.args}
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]) in parameters:
                    yield node


def _topic(expression: ast.expr, module: ast.Module, named: Mapping[str, str]) -> str | None:
    if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name):
        return _of_function(named.get(expression.func.id))
    if isinstance(expression, ast.Name) and expression.id in named:
        constant = getattr(topics, named[expression.id])
        return constant if isinstance(constant, str) else None
    # A variable or an attribute: what it is set to in this module.
    wanted = ast.unparse(expression)
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == wanted for target in node.targets):
            return _topic(node.value, module, named)
    return None


def _of_function(name: str | None) -> str | None:
    function = getattr(topics, name, None) if name else None
    if not callable(function):
        return None
    topic = function(*["+" for _ in inspect.signature(function).parameters])
    return topic if isinstance(topic, str) else None
