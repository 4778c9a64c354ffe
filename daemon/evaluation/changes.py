"""How soon a change of speaker is noticed, and how often one is told of that did not happen: recordings put together, really followed.

Each stream is some recordings of an enrolled speaker, one after the other, and then another speaker's of the same corpus. A real watch,
which knows the first alone, hears it. Silence is cut away, so that nobody pauses long enough to end an attempt: where two recordings of
one speaker meet, maybe of different days, no change must be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.config import VadConfig
from daemon.evaluation.bench import Bench, Workers
from daemon.evaluation.corpus import CorpusEnrolled, enroll_corpus
from daemon.evaluation.figures import Times
from daemon.evaluation.intervals import Frequency, frequency
from daemon.events import AttemptDecided, Locked, Outcome, SpeakerChanged, WatchEvent
from daemon.hearing.vad import HOP, speech_gate
from daemon.session import run
from daemon.speakers import Speaker
from daemon.watch.session import WatchSession
from models.evaluate.trials import build_trials
from models.features import SAMPLE_RATE, Waveform
from models.manifest import Recording

OTHERS: Final = 3
"""So many others follow upon each speaker, in a stream of their own, with a share of the speaker's recordings."""
OWN_SECONDS: Final = 60.0
"""The speaker is heard for so long at most, in each stream."""
OTHER_SECONDS: Final = 8.0
"""The other is: who is not noticed by then goes unnoticed."""


class Turn(NamedTuple):
    """Somebody enrolled speaks, and then somebody else."""

    speaker: Speaker
    own: tuple[Path, ...]
    other: tuple[Path, ...]


@dataclass(frozen=True)
class TurnHeard:
    """What became of a stream.

    followed: net seconds of the speaker's own speech while they were followed. false_changes: how often a change was told in it. met:
    whether they were followed when the other began. noticed: net seconds of the other's speech until that was told, infinite if it was not.
    """

    followed: float
    false_changes: int
    met: bool
    noticed: float


@dataclass(frozen=True)
class Changes:
    """streams: how many were heard. followed: of them those in which the speaker was followed when the other began. noticed: of these.

    seconds_to_notice: of the other's net speech, over those; where a change was not noticed, it took for ever, and None stands for that.
    false_changes: told while one and the same speaker spoke, per hour of their net speech.
    """

    streams: int
    followed: int
    noticed: int
    seconds_to_notice: Times
    false_changes: Frequency


def changes(enrolled: Sequence[CorpusEnrolled], recordings: Sequence[Recording], workers: Workers, seed: int, rounds: int = 1) -> Changes:
    """Follow everybody enrolled, with the recordings that enroll nobody, as `deal` has it.

    Raises `EvaluationError` for a file that cannot be read.
    """
    return summary(list(workers(hear_turn, deal(enrolled, recordings, workers, seed, rounds), "changing speakers")))


def deal(enrolled: Sequence[CorpusEnrolled], recordings: Sequence[Recording], workers: Workers, seed: int, rounds: int) -> list[Turn]:
    """Return what is to be heard; who follows upon whom depends on the seed.

    rounds: in each after the first, the recordings are in another order, so that others of them enroll. Raises `EvaluationError` for a
    file that cannot be read.
    """
    random = np.random.default_rng((seed, 3))
    turns = [turn for corpus in enrolled for turn in _turns(corpus, recordings, random)]
    for _ in range(1, rounds):
        order = [recordings[place] for place in random.permutation(len(recordings))]
        turns += [turn for trials in build_trials(order) for turn in _turns(enroll_corpus(trials, order, workers), order, random)]
    return turns


def hear_turn(bench: Bench, turn: Turn) -> TurnHeard:
    """Hear a stream. Raises `EvaluationError` for a file that cannot be read, `ConditionError` for a noise that cannot be used."""
    own = list(_spoken(bench, turn.own, OWN_SECONDS))
    other = list(_spoken(bench, turn.other, OTHER_SECONDS))
    watch = WatchSession(bench.encoder.initial_state(), [turn.speaker], bench.setting.config, bench.setting.calibration)
    for sound in (*own, *other):
        watch.feed(sound.samples)
    watch.finish()
    return _course(run(watch, bench.encoder), sum(len(sound.voiced) for sound in own) * HOP, _clock([*own, *other]))


def summary(heard: Sequence[TurnHeard]) -> Changes:
    """Return the figures of all streams."""
    met = [turn.noticed for turn in heard if turn.met]
    false = frequency(sum(turn.false_changes for turn in heard), sum(turn.followed for turn in heard) / 3600)
    # Between a change that was noticed and one that was not, there is no mean.
    median, p90 = np.percentile(met, [50, 90], method="higher") if met else (np.inf, np.inf)
    return Changes(len(heard), len(met), int(np.isfinite(met).sum()), Times(_finite(median), _finite(p90), len(met)), false)


def _finite(seconds: float) -> float | None:
    return round(float(seconds), 3) if np.isfinite(seconds) else None


def _turns(corpus: CorpusEnrolled, recordings: Sequence[Recording], random: np.random.Generator) -> Iterator[Turn]:
    trials = corpus.trials
    spoken: dict[int, list[Path]] = {}
    for test, speaker in sorted(set(zip(trials.tested.tolist(), trials.other.tolist(), strict=True))):
        spoken.setdefault(speaker, []).append(recordings[trials.tests[test]].path)
    speakers = dict(zip(trials.enrolled.tolist(), trials.one.tolist(), strict=True))
    for place, enrolled in enumerate(corpus.roster.speakers):
        own = spoken.get(speakers[place], [])
        others = [other for other in spoken if other != speakers[place]]
        # Each recording of the speaker is heard once: what they say in one stream tells nothing new in another.
        for share, other in enumerate(random.permutation(others)[: min(OTHERS, len(own))].tolist()):
            yield Turn(enrolled, tuple(own[share::OTHERS]), tuple(spoken[other]))


class _Sound(NamedTuple):
    """What is speech in a recording, and which of its hops are voiced, (hops,)."""

    samples: Waveform
    voiced: NDArray[np.bool_]


def _spoken(bench: Bench, paths: Sequence[Path], seconds: float) -> Iterator[_Sound]:
    """Yield recordings until there are so many net seconds of speech."""
    hops = round(seconds * SAMPLE_RATE / HOP)
    for path in paths:
        if hops > 0:
            sound = _speech(bench.sound(path), bench.setting.config.vad)
            hops -= int(sound.voiced.sum())
            yield sound


def _speech(waveform: Waveform, config: VadConfig) -> _Sound:
    gate = speech_gate(config)
    starts = range(0, len(waveform) - HOP + 1, HOP)
    passed = [hop for start in starts for hop in gate.push(waveform[start : start + HOP]).passed]
    samples = np.concatenate([np.zeros(0, dtype=np.float32), *(hop.samples for hop in passed)])
    return _Sound(samples, np.array([hop.voiced for hop in passed], dtype=np.bool_))


def _clock(sounds: Sequence[_Sound]) -> NDArray[np.float64]:
    """Return the net seconds of speech before each hop of sounds in a row, and after the last."""
    voiced = np.concatenate([np.zeros(1, dtype=np.bool_), *(sound.voiced for sound in sounds)])
    return np.cumsum(voiced) * (HOP / SAMPLE_RATE)


def _course(events: Iterator[WatchEvent], change: int, clock: NDArray[np.float64]) -> TurnHeard:
    """Read what was told of a stream whose other speaker begins at sample `change`."""
    met, since, followed, false_changes, noticed = False, None, 0.0, 0, np.inf

    def said(at: int) -> float:
        return float(clock[min(at // HOP, len(clock) - 1)])

    for event in events:
        match event:
            case AttemptDecided(decision=decision) if decision.final and decision.outcome is Outcome.ACCEPT and event.at < change:
                since = event.at
            case SpeakerChanged() if event.at < change:
                false_changes += 1
            case SpeakerChanged() if since is not None:
                noticed = said(event.at) - said(change)
            case Locked() if since is not None:
                followed += said(min(event.at, change)) - said(since)
                met = event.at >= change
                since = None
    return TurnHeard(followed, false_changes, met, noticed if met else np.inf)
