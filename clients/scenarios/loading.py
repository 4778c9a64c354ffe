"""A scenario file: read strictly, and every problem in it told."""

from __future__ import annotations

import reprlib
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from clients.errors import ScenarioError
from clients.scenarios.consistency import Location, inconsistencies
from clients.scenarios.scenario import PARTS, Background, Expect, Never, Scenario, Section

_SECTIONS: Final[dict[str, type[Section]]] = {"background": Background, "expect": Expect, "never": Never}
_TYPES: Final = {
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
    "float_type": "a number",
    "int_type": "a whole number",
    "path_type": "the path of a file",
}
"""What should stand there, by the error's type."""


def load_scenario(path: Path) -> Scenario:
    """Read a scenario; paths in it start from its directory.

    Raises `ScenarioError` that lists every problem: line, key, value and what is allowed.
    """
    root, content = _parse(path)
    if isinstance(content, dict):
        content = {"title": path.stem, **content}
    try:
        scenario = Scenario.model_validate(content, context=path.absolute().parent)
    except ValidationError as error:
        raise _invalid(path, root, [(_place(detail), _text(detail)) for detail in error.errors()]) from None
    if found := list(inconsistencies(scenario)):
        raise _invalid(path, root, found)
    return scenario


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, where YAML would quietly take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - as inherited
        keys = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in keys[:index]:
                raise yaml.constructor.ConstructorError(problem=f"{key.value} is given twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep=deep)


def _parse(path: Path) -> tuple[yaml.Node | None, Any]:
    """Return the content and the nodes that it was made from, which know their lines."""
    try:
        loader = _Loader(path.read_bytes())
        root = loader.get_single_node()
        return root, {} if root is None else loader.construct_document(root)
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path} is not valid YAML: {error}") from None


def _invalid(path: Path, root: yaml.Node | None, found: Sequence[tuple[Location, str]]) -> ScenarioError:
    problems = sorted((_line(root, location), f"{_written(location)}: {text}") for location, text in found)
    return ScenarioError(
        f"{path} is invalid:" + "".join(f"\n  line {line}: {text}" for line, text in problems), metadata={"path": str(path)}
    )


def _place(detail: ErrorDetails) -> Location:
    """Return where a problem is in the file, without the tag that tells the kind of a part."""
    match detail["loc"]:
        case ("audio", int(index), str(), *rest):
            return ("audio", index, *rest)
        case (*mapping, "[key]"):
            return tuple(mapping)
        case location:
            return location


def _text(detail: ErrorDetails) -> str:
    value, context = reprlib.repr(detail["input"]), detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key; known here: {', '.join(_keys(detail['loc'][:-1]))}"
        case "missing":
            return "missing"
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"{value}: must be {context['expected']}"
        case kind if kind in _TYPES:
            return f"{value} is not {_TYPES[kind]}"
        case _:
            return f"{value}: {detail['msg'].removeprefix('Input ').lower()}"


def _keys(location: Location) -> Iterator[str]:
    match location:
        case ("audio", int(), str(kind), *_):
            section = PARTS[kind]
        case (str(name), *_):
            section = _SECTIONS[name]
        case _:
            section = Scenario
    return (field.alias or name for name, field in section.model_fields.items())


def _written(location: Location) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "top level"


def _line(node: yaml.Node | None, location: Location) -> int:
    """Return the line of the innermost part of `location` that the file has."""
    line = 0
    for name in location:
        match node:
            case yaml.MappingNode():
                key, node = next(((key, value) for key, value in node.value if key.value == str(name)), (None, None))
                line = key.start_mark.line if key else line
            case yaml.SequenceNode() if isinstance(name, int):
                node = node.value[name]
                line = node.start_mark.line
            case _:
                break
    return line + 1
