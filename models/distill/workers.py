"""The processes that train one network together, as torchrun starts them, and the device of each."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self, TypeVar

import torch
from torch import Tensor, distributed

Made = TypeVar("Made")
PATIENCE: Final = timedelta(days=2)
"""How long workers wait for each other: the targets of many recordings take their time."""


@dataclass(frozen=True)
class Workers:
    """This process, number `rank` of `size`. Each trains on batches of its own; all apply the mean of their gradients."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def join(cls) -> Self:
        """Join those that torchrun started with this process; a process by itself is alone."""
        cuda = torch.cuda.is_available()
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
        if "WORLD_SIZE" not in os.environ:
            return cls(0, 1, device)
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
            # Threads of a group that is left standing abort the process when it ends.
            atexit.register(distributed.destroy_process_group)
        return cls(distributed.get_rank(), distributed.get_world_size(), device)

    @property
    def leads(self) -> bool:
        """It writes checkpoints and logs, and measures."""
        return self.rank == 0

    def leader_first(self, make: Callable[[], Made]) -> Made:
        """Return what `make` makes; the others begin when the leader is done, and find the files that it left."""
        made = make() if self.leads else None
        if self.size > 1:
            distributed.barrier()
        return make() if made is None else made

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradients by their means over all workers."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        together = torch.cat([gradient.flatten() for gradient in gradients]) / self.size
        distributed.all_reduce(together)
        start = 0
        for gradient in gradients:
            gradient.copy_(together[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()
