"""Make the demo's recordings anew: `python -m clients.voices.make`, with Debian's flite and opus-tools installed.

Synthetic voices, because nobody's own voice should ship with a program. The stranger says what the two enrolled voices say in
their test, so that the words cannot give anyone away.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import soundfile

ROOT: Final = Path(__file__).parent

ENROLLMENT: Final = (
    "The lighthouse keeper counted nine small boats coming home before the storm reached the bay.",
    "Every Thursday my neighbour bakes a dark loaf of bread and shares half of it with us.",
    "Please remember to water the tomatoes, close the garden gate, and leave the key under the mat.",
)
TEST: Final = "Good evening, it is only me; I walked home through the park tonight, and I would like to come in now."
VOICES: Final = {
    "1-slt": ("slt", (*ENROLLMENT, TEST)),
    "2-rms": ("rms", (*ENROLLMENT, TEST)),
    "3-awb": ("awb", (TEST,)),
}
"""Directory: flite's voice, and what it says. The order of the directories makes the roles: owner, other, stranger."""

NOISE_SECONDS: Final = 5
NOISE_LEVEL: Final = -50.0
"""dB relative to full scale."""
_RATE: Final = 16_000


def main() -> None:
    """Write all recordings beside this file."""
    with TemporaryDirectory() as directory:
        wave = Path(directory, "speech.wav")
        for name, (voice, sentences) in VOICES.items():
            for number, sentence in enumerate(sentences, start=1):
                _run("flite", "-voice", voice, "-t", sentence, "-o", str(wave))
                _encode(wave, ROOT / name / f"{number}.opus")
        soundfile.write(wave, _noise(), _RATE, subtype="PCM_16")
        _encode(wave, ROOT / "noise" / "1.opus")


def _noise() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(0).normal(0.0, 10 ** (NOISE_LEVEL / 20), NOISE_SECONDS * _RATE)


def _encode(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    _run("opusenc", "--quiet", "--speech", "--bitrate", "24", "--serial", "1", str(source), str(target))


def _run(program: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise SystemExit(f"{program} is not installed: run `apt-get install flite opus-tools`")
    subprocess.run([path, *arguments], check=True)


if __name__ == "__main__":
    main()
