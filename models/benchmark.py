"""`python -m models.benchmark`: what an encoder costs, in processor time per second of audio.

Machines differ and are shared: compare the figures of one run with each other, not with those of another machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from models.backends import BACKENDS, load_encoder
from models.encoder import Encoder
from models.features import HOP_SAMPLES, MEL_BINS, SAMPLE_RATE, FeatureStream
from models.weights import ModelFileError, read_card

BATCHES = (1, 8, 32)
RUNS = 50
WARM_UP = 5


def step_cost(encoder: Encoder, batch: int) -> float:
    """Return milliseconds of processor time per second of audio of one stream, for steps of `batch` streams at a time."""
    random = np.random.default_rng(0)
    frames = random.normal(-10.0, 3.0, (batch, encoder.step_frames, MEL_BINS)).astype(np.float32)
    state = tuple(np.concatenate([part] * batch) for part in encoder.initial_state())
    seconds = batch * encoder.step_frames * HOP_SAMPLES / SAMPLE_RATE
    return _milliseconds(lambda: encoder.step(frames, state)) / seconds


def feature_cost() -> float:
    """Return milliseconds of processor time per second of audio for features, computed 80 ms at a time."""
    samples = np.random.default_rng(0).normal(0.0, 0.1, SAMPLE_RATE * 8 // 100).astype(np.float32)
    stream = FeatureStream()
    return _milliseconds(lambda: stream.push(samples)) / (len(samples) / SAMPLE_RATE)


def _milliseconds(work: Callable[[], object]) -> float:
    """Return the median processor time of `work` over some runs after a warm-up."""
    costs = []
    for _ in range(WARM_UP + RUNS):
        started = time.process_time_ns()
        work()
        costs.append((time.process_time_ns() - started) / 1e6)
    return median(costs[WARM_UP:])


@click.command()
@click.option("--model", default="edge", help="A shipped model, or the path of a card.")
@click.option("--backend", type=click.Choice(list(BACKENDS)), default="onnxruntime", help="What runs it.")
def main(model: str, backend: str) -> None:
    """Print what MODEL costs on one thread."""
    try:
        encoder, card = load_encoder(model, backend), read_card(model)
    except ModelFileError as error:
        raise click.UsageError(str(error)) from None
    table = Table("", "ms per s of audio", title=f"{card.model_id} on {backend}: {card.parameters:,} parameters")
    for batch in BATCHES:
        table.add_row(f"encoder, {batch} streams a step", f"{step_cost(encoder, batch):.2f}")
    table.add_row("features", f"{feature_cost():.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
