"""The settings file: read strictly, and every problem in it told."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from daemon.config import Config
from daemon.errors import ConfigError

_SIGNS: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
"""How the limits of a field are written, by their name in its metadata."""


def load_config(path: Path | None) -> Config:
    """Return the settings in the file at `path`, the built-in defaults for None.

    Raises `ConfigError` that lists every problem: the key, its value and what is allowed.
    """
    if path is None:
        return Config()
    try:
        content = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a safe loader, below
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from None
    try:
        return Config.model_validate({} if content is None else content)
    except ValidationError as error:
        problems = "".join(f"\n  {_problem(detail)}" for detail in error.errors())
        raise ConfigError(f"{path} is invalid:{problems}") from None


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, where YAML would quietly take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - as inherited
        keys = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in keys[:index]:
                raise yaml.constructor.ConstructorError(problem=f"{key.value} is given twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep=deep)


def _problem(detail: ErrorDetails) -> str:
    location, value = [str(part) for part in detail["loc"]], repr(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            text = f"unknown key; known here: {', '.join(_section(location[:-1]).model_fields)}"
        case "missing":
            text = "missing"
        case "model_type":
            text = f"{value} is not a mapping; known keys here: {', '.join(_section(location).model_fields)}"
        case "value_error":
            text = str(detail["ctx"]["error"]) if isinstance(detail["input"], dict) else f"{value}: {detail['ctx']['error']}"
        case "invalid_key":
            text = "keys are words"
        case _ if location[-1:] == ["[key]"]:
            return f"{'.'.join(location[:-1])}: names are 1 to 64 letters, digits, '_', '.' and '-', beginning with none of the last two"
        case "dict_type":
            text = f"{value} is not a mapping of names"
        case _:
            text = f"{value}: {detail['msg'].lower()}{_bounds(location)}"
    return f"{'.'.join(location) or 'top level'}: {text}"


def _section(location: list[str]) -> type[BaseModel]:
    section: type[BaseModel] = Config
    names = iter(location)
    for name in names:
        annotation = section.model_fields[name].annotation
        if get_origin(annotation) is dict:
            next(names)
        section = next(kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type) and issubclass(kind, BaseModel))
    return section


def _bounds(location: list[str]) -> str:
    metadata = _section(location[:-1]).model_fields[location[-1]].metadata
    bounds = [f"{sign} {getattr(item, name)}" for item in metadata for name, sign in _SIGNS.items() if hasattr(item, name)]
    return f" (allowed: {', '.join(bounds)})" if bounds else ""
