"""Who may import whom: the architecture, checked on every module of the tree."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("clients", "daemon", "models", "proto")
GENERATED = "proto.speakerd"

FORBIDDEN = {
    # clients is to become a distribution of its own: the API is all that it shares with the daemon.
    "clients": {"daemon", "models", "tests"},
    "daemon": {"clients", "tests"},
    "models": {"clients", "daemon", "proto", "tests"},
    "proto": {"clients", "daemon", "models", "tests"},
}
"""Package -> what none of its modules imports."""

RESERVED = {
    "grpc": ("clients", "daemon.server", GENERATED),
    "sounddevice": ("daemon.capture",),
    "daemon.server": ("daemon.server", "daemon.__main__"),
}
"""Module -> the only ones that import it, or anything in it."""

ABSENT = {
    # The pure state machines, and all that they are made of.
    "daemon.session": {"grpc", "onnxruntime", "sounddevice", "torch"},
    "daemon.watch.session": {"grpc", "onnxruntime", "sounddevice", "torch"},
    # What hears and what tells, without a network.
    "daemon.watch.watching": {"grpc", "sounddevice", "torch"},
    # A machine that only runs the daemon or talks to it has no torch and need not have a microphone.
    "daemon.__main__": {"sounddevice", "torch"},
    "clients.__main__": {"daemon", "models", "onnxruntime", "pydantic", "sounddevice", "torch"},
    # Every run of pytest loads it, wherever speakerd is installed.
    "clients.scenarios.pytest_plugin": {"grpc", "numpy", "pydantic", "soundfile"},
    "models.evaluate.__main__": {"matplotlib", "grpc", "sounddevice", "torch"},
}
"""Module -> what is not loaded when it is imported, be it by way of others."""


def modules() -> Iterator[tuple[str, Path]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imported_by(source: str) -> set[str]:
    """Return the dotted names that a module imports, anywhere in it; `from a import b` counts as both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return names


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


MODULES = {name: imported_by(path.read_text(encoding="utf-8")) for name, path in modules()}


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import a.b\ndef f():\n    from c import d as e\nif True:\n    import g as h, i\n"
    assert imported_by(source) == {"a.b", "c", "c.d", "g", "i"}


@pytest.mark.parametrize("package", OURS)
def test_every_package_has_modules(package: str) -> None:
    assert any(within(name, package) and name != package for name in MODULES)


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_flow_down(package: str) -> None:
    violations = {
        f"{module} imports {name}"
        for module, names in MODULES.items()
        for name in names
        if within(module, package) and any(within(name, forbidden) for forbidden in FORBIDDEN[package])
    }
    assert not violations


@pytest.mark.parametrize("reserved", RESERVED)
def test_reserved_modules_are_imported_only_where_they_belong(reserved: str) -> None:
    violations = {
        f"{module} imports {name}"
        for module, names in MODULES.items()
        for name in names
        if within(name, reserved) and not any(within(module, owner) for owner in RESERVED[reserved])
    }
    assert not violations


@pytest.mark.parametrize("module", ABSENT)
def test_what_an_import_does_not_load(module: str) -> None:
    probe = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert module in done.stdout.split()
    assert not {name.partition(".")[0] for name in done.stdout.split()} & ABSENT[module]
