from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pyte

from tests.clients.live.picture import picture

README = Path(__file__).parents[3] / "docs" / "images" / "live.svg"


def test_a_screen_becomes_a_picture() -> None:
    screen = pyte.Screen(20, 2)
    pyte.ByteStream(screen).feed(b"level \x1b[32m#\x1b[0m \x1b[1;30;43m ? \x1b[0m")

    svg = picture(screen)

    words = "".join(ET.fromstring(svg).itertext())  # noqa: S314 - it was made here
    assert "level" in words
    assert "speakerctl live" not in words
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_the_picture_of_the_readme_is_a_small_one_of_a_decision() -> None:
    text = README.read_text(encoding="utf-8")

    assert len(text) < 100_000
    assert "ACCEPT" in text
    assert "speakerd&#160;live" in text
