from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from models.distill.ablation import Plan, Result, main, run, table
from models.distill.config import DistillConfig

SHIPPED = Path(__file__).parents[3] / "models" / "recipes" / "ablation.yaml"


def _plan(config: DistillConfig, output: Path) -> Plan:
    recipe = config.model_dump(mode="json", exclude={"loss", "teacher", "seed"}) | {"output": str(output), "steps": 1}
    objectives = {"embedding": {"embedding": 8.0}, "labels": {"labels": 1.0}}
    return Plan(recipe=recipe, teachers=["campplus"], seeds=[1], objectives=objectives)


def test_every_run_is_done_once(config: DistillConfig, tmp_path: Path) -> None:
    plan = _plan(config, tmp_path)
    results = run(plan)
    assert [(result.objective, result.seed) for result in results] == [("embedding", 1), ("labels", 1)]
    assert all(0.0 <= result.eer <= 100.0 and result.teacher_parameters == 6_848_544 for result in results)
    log = tmp_path / "campplus" / "labels" / "1" / "log.jsonl"
    told = log.read_text()
    assert run(plan) == results
    assert log.read_text() == told


def test_the_table_has_a_row_per_objective_with_the_spread_over_seeds() -> None:
    results = [Result("campplus", "frame", seed, 4.0 + seed, 8.0, 0.5, 600_000, 6_000_000) for seed in (1, 2, 3)]
    row = table([*results, Result("campplus", "pooled", 1, 3.0, 6.0, 0.25, 600_000, 6_000_000)]).splitlines()[2:]
    assert row[0] == "| campplus | frame | 600,000 | 90% | 6.00 ± 1.00 | 8.00 ± 0.00 | 0.50 ± 0.00 |"
    assert row[1] == "| campplus | pooled | 600,000 | 90% | 3.00 | 6.00 | 0.25 |"


def test_the_shipped_plan_can_be_run() -> None:
    runs = list(Plan.model_validate(yaml.safe_load(SHIPPED.read_text())).runs())
    assert len(runs) == 2 * 8 * 3
    assert len({config.output for _, config in runs}) == len(runs)


@pytest.mark.parametrize(
    ("change", "key"),
    [({"seeds": []}, "seeds"), ({"teachers": ["nobody"]}, "teacher"), ({"objectives": {"x": {"pool": 1.0}}}, "loss.pool")],
)
def test_a_plan_that_cannot_be_run_names_the_key(tmp_path: Path, change: dict[str, object], key: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(SHIPPED.read_text()) | change))
    result = CliRunner().invoke(main, [str(path)])
    assert result.exit_code == 2
    assert key in result.output
