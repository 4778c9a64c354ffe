"""Files that are made once each, by several processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, TypeVar

import torch
from tqdm import tqdm

Wanted = TypeVar("Wanted")
CHUNK: Final = 8


def make_files(make: Callable[[Wanted], None], wanted: Sequence[Wanted], jobs: int, doing: str) -> None:
    """Call `make` for each of `wanted`, in `jobs` processes of one thread each, and show how far it is.

    Where nothing is wanted, no process is started.
    """
    if not wanted:
        return
    # Forked torch threads deadlock; fresh processes do not.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_use_one_thread) as pool:
        for _ in tqdm(pool.map(make, wanted, chunksize=CHUNK), total=len(wanted), desc=doing, unit="file"):
            pass


def _use_one_thread() -> None:
    torch.set_num_threads(1)
