from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models.distill.workers import Workers

TOGETHER = """
from pathlib import Path

import torch
from models.distill.workers import Workers

workers = Workers.join()
cache = Path(f"{__file__}.cache")
found = workers.leader_first(lambda: (cache.exists(), cache.write_text("made"))[0])
parameters = [torch.zeros(2, 3, requires_grad=True), torch.zeros(4, requires_grad=True), torch.zeros(1)]
for number, parameter in enumerate(parameters[:2]):
    parameter.grad = torch.full(parameter.shape, float(10 * number + workers.rank))
workers.average(parameters)
told = (workers.rank, workers.size, workers.leads, found, *(parameter.grad.unique().tolist() for parameter in parameters[:2]))
open(f"{__file__}.{workers.rank}", "w").write(repr(told))
"""


def test_a_process_by_itself_leads_and_changes_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    workers = Workers.join()
    assert (workers.rank, workers.size, workers.leads) == (0, 1, True)
    parameter = torch.zeros(2, requires_grad=True)
    parameter.grad = torch.tensor([1.0, 2.0])
    workers.average([parameter])
    assert parameter.grad.tolist() == [1.0, 2.0]
    assert workers.leader_first(lambda: 3) == 3


@pytest.mark.timeout(600)
def test_those_that_torchrun_starts_share_what_the_leader_made_and_the_mean_of_their_gradients(tmp_path: Path) -> None:
    script = tmp_path / "together.py"
    script.write_text(TOGETHER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment)
    told = [script.with_name(f"{script.name}.{rank}").read_text() for rank in range(2)]
    assert told == ["(0, 2, True, False, [0.5], [10.5])", "(1, 2, False, True, [0.5], [10.5])"]
