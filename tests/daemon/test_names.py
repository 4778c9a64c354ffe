from __future__ import annotations

import pytest

from daemon.errors import InvalidNameError
from daemon.names import normalise_name


@pytest.mark.parametrize("name", ["Anna", "Jean-Luc O'Neil", "क्\u200dषिति", "李雷", "Zoë"])
def test_names_of_people_are_kept(name: str) -> None:
    assert normalise_name(name, 64) == name


def test_what_looks_the_same_is_the_same() -> None:
    assert normalise_name("Zoe\u0308", 64) == "Zo\u00eb"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "it is empty"),
        ("a" * 65, "has 65 characters: at most 64"),
        (" Anna", "begins or ends with a space"),
        ("Anna\n", "begins or ends with a space"),
        ("An\nna", "control characters"),
        ("An\x00na", "control characters"),
        ("An\x1b[31mna", "control characters"),
        ("An\u202ena", "control characters"),
        ("An\u2028na", "control characters"),
    ],
)
def test_other_names_are_refused(name: str, expected: str) -> None:
    with pytest.raises(InvalidNameError, match=expected):
        normalise_name(name, 64)
