"""False alarms: a capture that knows some voices hears hours of noise, music, silence and the babble of everybody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from daemon.evaluation.bench import Setting, read
from daemon.evaluation.streams import Blocks, babble, music, noises, silence
from daemon.evaluation.watching import Alarms, listen, total
from daemon.speakers import Speaker
from daemon.watch.session import WatchSession
from models.features import SAMPLE_RATE, Waveform
from models.manifest import Recording

HOUSEHOLD: Final = 5
"""So many voices are enrolled, if there are as many."""
BABBLERS: Final = 150
"""At most so many recordings speak in babble."""


def false_alarms(
    speakers: Sequence[Speaker], recordings: Sequence[Recording], setting: Setting, noise: Sequence[Path], hours: float, seed: int
) -> dict[str, Alarms]:
    """Return the alarms by kind of stream, and of `all`.

    Recorded `noise` is heard once. Half of the rest of `hours` is babble of `recordings`, and a quarter each made-up music and silence;
    where nobody is left to babble, half each. speakers: some are drawn to be enrolled, under the names of `daemon.evaluation.corpus`;
    they do not babble. Raises `EvaluationError` for a file that cannot be read.
    """
    random = np.random.default_rng(seed)
    household = [speakers[place] for place in sorted(random.permutation(len(speakers))[:HOUSEHOLD])]
    others = _spoken(recordings, {speaker.name for speaker in household}, random)
    encoder = setting.encoder()

    def hear(blocks: Blocks) -> Alarms:
        return listen(WatchSession(encoder.initial_state(), household, setting.config, setting.calibration), blocks, encoder)

    heard = {"noise": hear(noises(map(read, noise)))} if noise else {}
    left = hours - sum(alarms.accepts.hours for alarms in heard.values())
    heard |= {kind: hear(blocks) for kind, blocks in _made_up(max(0, round(left * 3600 * SAMPLE_RATE)), others, seed).items()}
    return heard | {"all": total(heard.values())}


def _made_up(samples: int, others: Sequence[Waveform], seed: int) -> Mapping[str, Blocks]:
    speech = {"babble": babble(others, samples // 2, seed)} if others else {}
    each = samples // (4 if others else 2)
    return speech | {"music": music(each, seed), "silence": silence(each, seed)}


def _spoken(recordings: Sequence[Recording], but: set[str], random: np.random.Generator) -> list[Waveform]:
    """Return some recordings of speakers who are not among `but`."""
    paths = [recording.path for recording in recordings if f"{recording.corpus}/{recording.speaker}" not in but]
    return [read(paths[place]) for place in sorted(random.permutation(len(paths))[:BABBLERS])]
