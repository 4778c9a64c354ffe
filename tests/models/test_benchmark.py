from __future__ import annotations

from click.testing import CliRunner

from models.benchmark import BATCHES, main


def test_every_cost_is_printed() -> None:
    result = CliRunner().invoke(main, catch_exceptions=False)
    assert result.exit_code == 0
    assert all(f"encoder, {batch} streams a step" in result.output for batch in BATCHES)
    assert "features" in result.output
