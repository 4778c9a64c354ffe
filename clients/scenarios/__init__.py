"""Scenarios: who speaks when, and what must come of it, for tests of whatever listens to voices.

>>> report = replay(client, load_scenario(Path("door.yaml")))
>>> report.assert_passed()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clients.scenarios.junit import write_junit as write_junit
    from clients.scenarios.loading import load_scenario as load_scenario
    from clients.scenarios.rendering import Rendered as Rendered
    from clients.scenarios.rendering import render as render
    from clients.scenarios.rendering import write_wav as write_wav
    from clients.scenarios.replaying import replay as replay
    from clients.scenarios.scenario import Scenario as Scenario

_HOMES: Final = {
    "Rendered": "rendering",
    "Scenario": "scenario",
    "load_scenario": "loading",
    "render": "rendering",
    "replay": "replaying",
    "write_junit": "junit",
    "write_wav": "rendering",
}


def __getattr__(name: str) -> object:
    """Import a name when it is used: pytest loads this package in every run, and every command of `speakerctl` does."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
