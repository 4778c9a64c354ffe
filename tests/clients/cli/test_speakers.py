from __future__ import annotations

import pytest

from tests.clients.cli.conftest import Speakerctl
from tests.clients.double import Double

ADA = "ada: 3 recordings, 9.5 s of speech, edge-1, 2023-11-14 22:13 UTC\n"


def test_list(speakerctl: Speakerctl, double: Double) -> None:
    for name in ("bob", "ada", "cyd"):
        double.add(name)

    done = speakerctl("speakers", "list")

    assert (done.status, done.out) == (0, ADA + ADA.replace("ada", "bob") + ADA.replace("ada", "cyd"))
    assert [fields["speaker"] for fields in speakerctl("speakers", "list", "--json").objects] == ["ada", "bob", "cyd"]


def test_list_of_nobody(speakerctl: Speakerctl, double: Double) -> None:
    assert not double.enrolled
    assert speakerctl("speakers", "list").out.startswith("Nobody is enrolled; `speakerctl enroll NAME FILES`")
    assert speakerctl("speakers", "list", "--json").out == ""


def test_show(speakerctl: Speakerctl, double: Double) -> None:
    double.add("ada").recordings = 1

    assert speakerctl("speakers", "show", "ada").out == ADA.replace("3 recordings", "1 recording")
    assert speakerctl("speakers", "--json", "show", "ada").objects[0]["speaker"] == "ada"


def test_delete(speakerctl: Speakerctl, double: Double) -> None:
    double.add("ada")
    double.add("bob")

    assert speakerctl("speakers", "delete", "ada").out == "Deleted ada and everything derived from their voice.\n"
    assert speakerctl("speakers", "delete", "bob", "--json").objects == [{"deleted": "bob"}]
    assert not double.enrolled


def test_what_a_voiceprint_learned_is_shown_until_it_is_reset(speakerctl: Speakerctl, double: Double) -> None:
    ada = double.add("ada")
    ada.sessions, ada.adapted_attempts = 2, 1
    learned = ADA.replace("3 recordings", "3 recordings in 2 sessions and 1 attempt learned from")

    assert speakerctl("speakers", "show", "ada").out == learned
    assert speakerctl("speakers", "reset", "ada").out == ADA.replace("3 recordings", "3 recordings in 2 sessions")
    assert speakerctl("speakers", "reset", "ada", "--json").objects[0]["adapted_attempts"] == 0


@pytest.mark.parametrize("command", ["show", "delete", "reset"])
def test_nobody_of_that_name(speakerctl: Speakerctl, double: Double, command: str) -> None:
    assert not double.enrolled

    done = speakerctl("speakers", command, "eve")

    assert (done.status, done.out, done.err) == (5, "", "speakerctl: nobody is enrolled as 'eve'\n")
