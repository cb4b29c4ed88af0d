"""The numbers that the house keeps: checked, not promised."""

import ast
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("components", "infra", "training", "tools", "standins", "targets", "measure", "front")
LONGEST_FUNCTION = 60
LONGEST_MODULE = 400
MOST_METHODS = 15
MOST_BRANCHES = 12
SEEING = ("components/smartcam/inference", "components/smartcam/vision")
"""Where objects are told apart: what a person cannot hold in their head is wrong somewhere."""
CONSOLE = "components/smartcam/console"
MOST_LINES_OF_THE_CONSOLE = 2990
"""Of code, a device's page with its words and its style included; the house wants 3,000."""
UNTANGLED = ("components", "infra", "tools")
"""What watches and tells, day and night, and what a user calls."""
TWICE: Mapping[str, str] = {}
"""Class names that may exist more than once, each with the reason."""


def modules() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts)


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_and_no_function_is_too_long_to_read(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    assert [str(path) for path in modules() if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_packages_export_nothing_from_their_init() -> None:
    for path in modules():
        if path.name == "__init__.py":
            imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
            assert imports == [], path


def branches(function: ast.AST) -> int:
    """How many ways lead through a function: McCabe's number as radon counts it, with each `and`, `or` and `if`.

    ruff's own count (C901) leaves those out. What a function defines inside counts as well.
    """
    ways = 1
    for node in ast.walk(function):
        if isinstance(node, ast.If | ast.IfExp | ast.Assert):
            ways += 1
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            ways += 1 + bool(node.orelse)
        elif isinstance(node, ast.Try):
            ways += len(node.handlers) + bool(node.orelse)
        elif isinstance(node, ast.BoolOp):
            ways += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            ways += 1 + len(node.ifs)
    return ways


def test_branches_are_counted_as_radon_counts_them() -> None:
    """The numbers on the right are radon's own, 6.0.1."""
    examples = {
        "def f(): return 1": 1,
        "def f(a, b): return a if b else 0": 2,
        "def f(a, b, c): return a and b and c": 3,
        "def f(a):\n for x in a: pass\n else: pass": 3,
        "def f(a): return [x for x in a if x if x > 1]": 4,
        "def f(a):\n try: a()\n except ValueError: pass\n except KeyError: pass\n else: pass": 4,
        "def f(a):\n while a:\n  if a: break\n assert a": 4,
    }
    assert {text: branches(ast.parse(text).body[0]) for text in examples} == examples


def nodes_in(folders: tuple[str, ...]) -> Iterator[tuple[Path, ast.AST]]:
    for path in modules():
        if str(path.relative_to(ROOT)).startswith(folders):
            yield from ((path, node) for node in ast.walk(ast.parse(path.read_text())))


def test_what_sees_has_no_class_that_is_too_large_to_hold_in_mind() -> None:
    methods = {
        node.name: sum(isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) for item in node.body)
        for _, node in nodes_in(SEEING)
        if isinstance(node, ast.ClassDef)
    }
    assert {name: number for name, number in methods.items() if number > MOST_METHODS} == {}


def test_what_is_on_duty_or_called_by_a_user_has_no_function_that_is_too_tangled_to_hold_in_mind() -> None:
    tangled = {
        f"{node.name} in {path.relative_to(ROOT)}": branches(node)
        for path, node in nodes_in(UNTANGLED)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and branches(node) > MOST_BRANCHES
    }
    assert tangled == {}


def code_lines(path: Path) -> int:
    """Lines that are neither empty nor only a comment or a docstring, in Python or in what a browser reads."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        lines = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).splitlines()
        return sum(bool(line.strip()) and not line.lstrip().startswith("//") for line in lines)
    said = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with path.open(encoding="utf-8") as file:
        tokens = [token for token in tokenize.generate_tokens(file.readline) if token.type not in empty]
    return len({line for token in tokens for line in range(token.start[0], token.end[0] + 1)} - said)


def test_lines_of_code_are_counted_without_what_is_only_said(tmp_path: Path) -> None:
    for name, text, lines in (
        ("a.py", '"""Doc.\n\nMore.\n"""\n\n# why\nx = (\n    1  # one\n)\n"""Of x."""\ny = """a\nb"""\n', 5),
        ("a.js", "/** What\n it is. */\n\n// why\nlet x = 1; // one\n/* a */ let y;\n", 2),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert code_lines(tmp_path / name) == lines


def test_the_console_and_its_page_are_small_enough_to_read() -> None:
    kinds = {".py", ".js", ".jsx", ".css", ".html", ".svg", ".json"}
    paths = [path for path in (ROOT / CONSOLE).rglob("*") if path.suffix in kinds and "static" not in path.parts]
    assert len(paths) > 30
    assert sum(code_lines(path) for path in paths) <= MOST_LINES_OF_THE_CONSOLE


def test_no_class_name_stands_twice() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1 and name not in TWICE} == {}
    assert [name for name in TWICE if len(places[name]) < 2] == []


def test_the_architecture_page_names_only_what_exists() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    named = re.findall(r"`([a-z0-9_]+(?:/[a-z0-9_{},]+)+(?:\.py|/)?)`", page)
    assert len(named) > 30
    homes = (ROOT, ROOT / "components/smartcam")
    assert [name for name in named if not any((home / name).exists() for home in homes)] == []


@pytest.mark.parametrize(
    ("page", "section", "fewest"), [("cameras.md", "", 20), ("security.md", "", 50), ("models.md", "## Heads\n", 20)]
)
def test_a_page_of_what_was_tried_names_a_test_that_exists_in_each_row_or_says_that_there_is_none(
    page: str, section: str, fewest: int
) -> None:
    text = (ROOT / "docs" / page).read_text()
    if section:
        text = text.partition(section)[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.endswith("| test |")]
    assert [row for row in rows if "tests/" not in row and "untested" not in row] == []
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) >= fewest
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or (name and f"def {name}(" not in (ROOT / path).read_text())
    ]
    assert missing == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("smartcam", "infra", "training", "tools", "standins", "measure", "front", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # What imports nothing that is left is taken away until only circles, and what stands on them, are left.
    while free := {module for module, imported in imports.items() if not imported & imports.keys()}:
        imports = {module: imported for module, imported in imports.items() if module not in free}
    assert sorted(imports) == []
