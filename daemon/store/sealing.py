"""Encryption at rest: the key in its file, and templates sealed with it."""

from __future__ import annotations

import json
import os
import secrets
import struct
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daemon.errors import StorageKeyError
from daemon.events import Evidence
from daemon.speakers import Template

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_OPEN_TO_OTHERS: Final = 0o077
_EVIDENCE: Final = struct.Struct("<Qddd")
_PROOF: Final = b"speakerd key"
ADAPTED: Final = -1
"""In place of a session: the template was learned from an attempt that was accepted."""


class SealBrokenError(Exception):
    """What was sealed was altered, moved to another place, or sealed with another key."""


class Place(NamedTuple):
    """Where a template belongs: number `position` of `speaker`, from enrollment `session`, or `ADAPTED`."""

    speaker: str
    model_id: str
    position: int
    session: int = 0

    def packed(self) -> bytes:
        """Return it as what is sealed is bound to it."""
        # Databases of version 1 knew no sessions: what they hold is of session 0.
        return json.dumps(self[:-1] if self.session == 0 else self).encode()


class Seal:
    """AES-256-GCM with one key: a random nonce, then the ciphertext. It opens only in the place that it was sealed for."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, template: Template, place: Place) -> bytes:
        """Return `template` sealed for `place`, which has its model."""
        evidence = template.evidence
        packed = _EVIDENCE.pack(evidence.speech, evidence.snr, evidence.clipped, evidence.bandwidth)
        return self._encrypt(packed + template.embedding.astype("<f4").tobytes(), place.packed())

    def open(self, sealed: bytes, place: Place) -> Template:
        """Return the template. Raises `SealBrokenError`."""
        packed = self._decrypt(sealed, place.packed())
        embedding = np.frombuffer(packed, dtype="<f4", offset=_EVIDENCE.size).astype(np.float32)
        return Template(embedding, place.model_id, Evidence(*_EVIDENCE.unpack_from(packed)), max(place.session, 0))

    def proof(self) -> bytes:
        """Return what only this key can verify."""
        return self._encrypt(b"", _PROOF)

    def verify(self, proof: bytes) -> None:
        """Raise `SealBrokenError` unless this key made the proof."""
        self._decrypt(proof, _PROOF)

    def _encrypt(self, content: bytes, place: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, place)

    def _decrypt(self, sealed: bytes, place: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise SealBrokenError from None


def read_key(file: Path) -> bytes:
    """Return the key in `file`. Raises `StorageKeyError` if it is missing, of the wrong size, or open to other users."""
    try:
        with file.open("rb") as opened:
            mode, key = os.fstat(opened.fileno()).st_mode, opened.read(KEY_BYTES + 1)
    except FileNotFoundError:
        raise StorageKeyError(f"the key {file} is missing: restore it, or move the voiceprints away to start anew") from None
    except OSError as error:
        raise StorageKeyError(f"the key {file} cannot be read: {error.strerror}") from None
    if mode & _OPEN_TO_OTHERS:
        raise StorageKeyError(f"the key {file} is open to other users (mode {mode & 0o777:03o}): make it yours alone with chmod 600")
    if len(key) != KEY_BYTES:
        raise StorageKeyError(f"{file} is not a key: it must hold exactly {KEY_BYTES} bytes")
    return key


def create_key(file: Path) -> None:
    """Make a random key in `file`, for the user alone; leave one that is there. Raises `StorageKeyError`."""
    partial = file.with_name(f"{file.name}.{secrets.token_hex(8)}.part")
    try:
        with open(partial, "xb", opener=_private) as opened:
            opened.write(secrets.token_bytes(KEY_BYTES))
            opened.flush()
            os.fsync(opened.fileno())
        _give_name(partial, file)
    except OSError as error:
        raise StorageKeyError(f"the key {file} cannot be made: {error.strerror}") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _give_name(partial: Path, file: Path) -> None:
    """Give a written file its name, whole or not at all, and never over another file."""
    try:
        file.hardlink_to(partial)
    except FileExistsError:
        return
    finally:
        partial.unlink()
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
