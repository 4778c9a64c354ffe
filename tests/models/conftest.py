"""What all tests of the models share."""

from __future__ import annotations

import torch

# Threads that wait for each other on a busy machine make small tensors slow by orders of magnitude.
torch.set_num_threads(1)
