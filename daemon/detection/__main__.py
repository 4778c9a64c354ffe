"""`python -m daemon.detection`: what speech gates let pass of noises and miss of speech, on recordings of one's own."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import ValidationError
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from daemon.config import VadConfig
from daemon.detection.passing import cost, hear, missed, passed
from models.audio import read_audio
from models.evaluate.conditions import Condition, ConditionError, random_of
from models.features import Waveform
from models.manifest import ManifestError, Recording, read_manifest, read_paths

GATES: Final = ("webrtc:0", "webrtc:1", "webrtc:2", "webrtc:3", "silero:0.5")
"""What is compared unless others are named."""
LEVELS: Final = (10.0, 5.0)
"""dB of speech over noise at which the recordings are heard besides clean."""
WIDTH: Final = 120
TIMED: Final = 20
"""Recordings that tell the processor time."""


@dataclass(frozen=True)
class Material:
    """What the gates hear: recordings of speech, and noises."""

    recordings: list[Recording]
    noises: list[Path]

    @property
    def conditions(self) -> list[Condition | None]:
        """Clean, and with noise."""
        return [None, *(Condition("noise", level, tuple(self.noises)) for level in LEVELS)]

    def under(self, condition: Condition | None) -> Iterator[Waveform]:
        """Yield what the recordings sound like."""
        for recording in self.recordings:
            waveform = read_audio(recording.path)
            yield condition.apply(waveform, random_of(recording.path)) if condition else waveform


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the gates that the command line names, and print tables."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        recordings = _first(read_manifest(options.manifest, options.root), options.recordings)
        material = Material(recordings, read_paths(options.noise, options.root))
        # Tables are not cut to what a pipe pretends to be.
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        console.print(_passing(options.gate, material))
    except (ConditionError, ManifestError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="python -m daemon.detection",
        description="Measure what speech gates let pass of noises and miss of speech.",
    )
    parser.add_argument("--manifest", type=Path, required=True, help="list of recordings: tab-separated, with a header line")
    parser.add_argument("--noise", type=Path, required=True, metavar="MANIFEST", help="list of noises")
    parser.add_argument("--root", type=Path, required=True, help="directory that the paths of both lists are relative to")
    parser.add_argument(
        "--gate",
        nargs="+",
        type=_gate,
        default=[_gate(gate) for gate in GATES],
        metavar="GATE",
        help=f"webrtc:AGGRESSIVENESS or silero:THRESHOLD ({' '.join(GATES)})",
    )
    parser.add_argument("--recordings", type=int, default=sys.maxsize, metavar="N", help="hear only the first N of each speaker")
    return parser


def _first(recordings: list[Recording], most: int) -> list[Recording]:
    """Return at most so many recordings of each speaker."""
    heard: Counter[tuple[str, str]] = Counter()
    kept = []
    for recording in recordings:
        who = recording.corpus, recording.speaker
        heard[who] += 1
        kept += [recording] if heard[who] <= most else []
    return kept


def _gate(text: str) -> VadConfig:
    kind, _, value = text.partition(":")
    key = {"webrtc": "aggressiveness", "silero": "threshold"}.get(kind, "")
    try:
        return VadConfig.model_validate({"kind": kind, key: float(value) if kind == "silero" else int(value)})
    except (ValidationError, ValueError):
        raise ArgumentTypeError(f"{text!r} is no gate, such as {GATES[0]} or {GATES[-1]}") from None


def _name(vad: VadConfig) -> str:
    return f"{vad.kind}:{vad.aggressiveness if vad.kind == 'webrtc' else vad.threshold}"


def _passing(gates: Sequence[VadConfig], material: Material) -> Table:
    missing = [f"missed {_label(condition)} %" for condition in material.conditions]
    table = _table("gate", "noise passes %", "begins an attempt %", "scored %", *missing, "CPU ms/s")
    noises, clean = [read_audio(path) for path in material.noises], list(material.under(None))
    for vad in gates:
        outside = passed([hear(vad, noise) for noise in _progress(noises, vad, len(noises))])
        lost = [
            missed((hear(vad, sound) for sound in _progress(material.under(condition), vad, len(clean))), clean)
            for condition in material.conditions
        ]
        milliseconds = 1000.0 * cost(vad, np.concatenate(clean[:TIMED]))
        table.add_row(_name(vad), *map(_percent, outside), *map(_percent, lost), f"{milliseconds:.1f}")
    return table


def _label(condition: Condition | None) -> str:
    return f"{condition.name} dB" if condition else "clean"


def _percent(share: float) -> str:
    return f"{100.0 * share:.2f}"


def _progress(sounds: Iterable[Waveform], vad: VadConfig, total: int) -> Iterator[Waveform]:
    return iter(track(sounds, description=_name(vad), total=total, console=Console(stderr=True)))


def _table(*headings: str) -> Table:
    table = Table(box=SIMPLE)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    return table


if __name__ == "__main__":
    main()
