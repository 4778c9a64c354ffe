"""Settings that all tests share."""

from __future__ import annotations

from hypothesis import settings

# A busy machine must not fail a test: what is tested is behaviour, never speed.
settings.register_profile("speakerd", deadline=None)
settings.load_profile("speakerd")
