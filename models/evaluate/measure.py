"""The measurement of one embedding: computed for all recordings, and for the tests among them under each condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track

from models.evaluate.conditions import Condition
from models.evaluate.embeddings import Sound, embed_files, loaded_embedding, stack
from models.evaluate.figures import Report, evaluate
from models.evaluate.trials import CorpusTrials, build_trials
from models.manifest import Recording

_progress = Console(stderr=True)


@dataclass(frozen=True)
class Measured:
    """An embedding's size in parameters, and its report."""

    parameters: int
    report: Report


def measure(
    name: str,
    recordings: Sequence[Recording],
    conditions: Sequence[Condition] = (),
    trials: Sequence[CorpusTrials] | None = None,
    jobs: int = 1,
) -> Measured:
    """Measure the embedding that is installed under `name`, with `jobs` processes and a progress bar on stderr.

    trials: those of `build_trials`, unless others are given. Raises what `load_embedding`, `embed_files` and `evaluate` raise.
    """
    parameters = loaded_embedding(name).parameters
    tests = {int(test) for corpus in (build_trials(recordings) if trials is None else trials) for test in corpus.tests}
    sounds = [Sound(recording.path, (None, *(conditions if index in tests else ()))) for index, recording in enumerate(recordings)]
    embedded = list(track(embed_files(name, sounds, jobs), description=name, total=len(sounds), console=_progress))
    under = {
        # Recordings that only enroll are heard as they are.
        condition: stack([each[place] if len(each) > 1 else each[0] for each in embedded])
        for place, condition in enumerate(conditions, start=1)
    }
    return Measured(parameters, evaluate(recordings, stack([clean for clean, *_ in embedded]), under, trials))
