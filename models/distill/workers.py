"""The processes that train one network together, as torchrun starts them, and the device of each."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, distributed


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
            distributed.init_process_group("nccl" if cuda else "gloo")
            # Threads of a group that is left standing abort the process when it ends.
            atexit.register(distributed.destroy_process_group)
        return cls(distributed.get_rank(), distributed.get_world_size(), device)

    @property
    def leads(self) -> bool:
        """It writes checkpoints and logs, and measures."""
        return self.rank == 0

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
