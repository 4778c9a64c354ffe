"""Names of speakers and captures."""

from __future__ import annotations

import unicodedata
from typing import Final

from daemon.errors import InvalidNameError

_JOINERS: Final = {"\u200c", "\u200d"}
"""Invisible, but part of how names are written in Persian and in Indic scripts."""


def normalise_name(name: str, max_length: int, of: str = "speaker") -> str:
    """Return `name` in normalisation form C, so that what looks the same is the same; `of` is what it names.

    Raises `InvalidNameError` if it is empty, longer than `max_length` characters, begins or ends with a space, or holds control
    characters.
    """
    normal = unicodedata.normalize("NFC", name)
    if not normal:
        raise InvalidNameError(f"a {of} needs a name: it is empty")
    if len(normal) > max_length:
        raise InvalidNameError(f"the name has {len(normal)} characters: at most {max_length} are allowed", limit=str(max_length))
    if normal != normal.strip():
        raise InvalidNameError(f"the name {normal!r} begins or ends with a space: leave it away")
    if not all(character.isprintable() or character in _JOINERS for character in normal):
        raise InvalidNameError(f"the name {normal!r} holds control characters: leave them away")
    return normal
