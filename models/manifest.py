"""Manifests: tab-separated lists of recordings, with a header line.

Columns: path (relative to a root directory), speaker, corpus; optional: session, language, sex, duration_s. Others are kept out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

REQUIRED = ("path", "speaker", "corpus")
HELD_OUT: Final = 6
"""One in so many labelled speakers is held out of training."""


class ManifestError(ValueError):
    """A manifest cannot be read; the message names the file, the line and what is expected."""


@dataclass(frozen=True)
class Recording:
    """One line of a manifest. `duration` is in seconds, 0 where the manifest does not tell; `session`: what was recorded together."""

    path: Path
    speaker: str
    corpus: str
    language: str = ""
    sex: str = ""
    duration: float = 0.0
    session: str = ""

    @property
    def labelled(self) -> bool:
        """Whether the speaker is one known person: labels that end in `_unknown` stand for many people."""
        return not self.speaker.endswith("_unknown")

    @property
    def held_out(self) -> bool:
        """Whether no encoder is trained on the speaker: scores are calibrated by voices that the encoder does not know, as at work.

        It depends on the names of corpus and speaker alone.
        """
        return self.labelled and crc32(f"{self.corpus}/{self.speaker}".encode()) % HELD_OUT == 0


def read_manifest(manifest: Path, root: Path) -> list[Recording]:
    """Return the recordings of `manifest` with paths under `root`. Raises `ManifestError` on a malformed one."""
    recordings = [_recording(row, root, where) for where, row in _rows(manifest, REQUIRED)]
    if not recordings:
        raise ManifestError(f"{manifest}: no recording is listed")
    return recordings


def read_paths(manifest: Path, root: Path) -> list[Path]:
    """Return only the paths of a list that needs no speakers, such as one of noises. Raises `ManifestError`."""
    return [root / (row["path"] or "") for _, row in _rows(manifest, ("path",))]


def check_files(paths: Iterable[Path]) -> None:
    """Raise `ManifestError` for the first path at which there is no file."""
    for path in paths:
        if not path.is_file():
            raise ManifestError(f"{path} cannot be read: it is not there (the paths of a list are relative to its root directory)")


def _rows(manifest: Path, required: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Yield where each line is and what it says."""
    with manifest.open(newline="", encoding="utf-8-sig") as file:
        # A quotation mark is one: taken for quoting, one that is not closed would swallow the lines that follow.
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        try:
            missing = [name for name in required if name not in (rows.fieldnames or ())]
            if missing:
                raise ManifestError(f"{manifest}: column {missing[0]!r} is missing; a manifest starts with a line of tab-separated names")
            for row in rows:
                yield f"{manifest}:{rows.line_num}", row
        except (UnicodeDecodeError, csv.Error) as error:
            raise ManifestError(f"{manifest} is not a tab-separated list in UTF-8: {error}") from None


def _recording(row: dict[str, str | None], root: Path, where: str) -> Recording:
    for name in REQUIRED:
        if not row[name]:
            raise ManifestError(f"{where}: {name} is empty")
    try:
        duration = float(row.get("duration_s") or 0.0)
    except ValueError:
        raise ManifestError(f"{where}: duration_s is {row['duration_s']!r}, expected seconds") from None
    text = {name: row.get(name) or "" for name in (*REQUIRED, "language", "sex", "session")}
    return Recording(root / text["path"], text["speaker"], text["corpus"], text["language"], text["sex"], duration, text["session"])
