"""Settings that all tests share."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# A busy machine must not fail a test: what is tested is behaviour, never speed.
settings.register_profile("speakerd", deadline=None)
settings.load_profile("speakerd")

# A shell without job control starts what it puts into the background deaf to interrupts, and so would be what tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest file: of two processes, the other does all else meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_recordings.py")
