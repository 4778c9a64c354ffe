"""What the documentation says is so: its links lead somewhere, its commands and names exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import pytest

from daemon import errors
from daemon.events import Outcome, Reason
from daemon.server.errors import status_code

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], key=str)


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                yield page, target


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made from their text."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    found = list(links())
    assert found
    for page, target in found:
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for command in re.findall(r"^\$ make ([a-z ]+?)(?:\s+#.*)?$|`make ([a-z ]+)`", page.read_text(encoding="utf-8"), re.MULTILINE):
        assert set("".join(command).split()) <= targets


def test_the_modules_and_functions_that_are_named_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"`((?:clients|daemon|models)(?:\.[a-z_]+)+)`", page.read_text(encoding="utf-8")):
            resolve_name(name)


def test_the_python_examples_import_what_exists() -> None:
    blocks = [block for page in PAGES for block in re.findall(r"```python\n(.+?)```", page.read_text(encoding="utf-8"), re.DOTALL)]
    imports = [node for block in blocks for node in ast.walk(ast.parse(block)) if isinstance(node, ast.ImportFrom)]
    assert imports
    for node in imports:
        assert node.module
        assert {alias.name for alias in node.names} <= set(dir(import_module(node.module)))


def test_every_error_that_clients_meet_is_listed_with_its_status() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8").partition("## Errors")[2]
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| `([A-Z_]+)` \|", page, re.MULTILINE))
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SpeakerdError)]
    met = [kind for kind in kinds if "reason" in vars(kind) and not issubclass(kind, errors.StartError | errors.CommandError)]
    assert listed == {kind.reason: status_code(kind("")).name for kind in met}


def test_every_reason_of_a_decision_is_listed() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert {outcome.name for outcome in Outcome} | {reason.name for reason in Reason} <= set(re.findall(r"`([A-Z_]+)`", page))
