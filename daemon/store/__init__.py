"""Voiceprints at rest, encrypted."""
