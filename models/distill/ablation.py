"""`python -m models.distill.ablation PLAN.yaml`: what does each level of a teacher bring? The same student by several objectives.

After Liu et al., "Distilling Multi-Level X-vector Knowledge for Small-footprint Speaker Verification"
(arXiv 2303.01125): every run has the same budget, and what it reaches on the development speakers is written as a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import click
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.distill.config import DistillConfig
from models.distill.losses import TERMS
from models.distill.material import load_material
from models.distill.train import DevSet, Trainer
from models.teachers import load_teacher

NOTHING = dict.fromkeys(TERMS, 0.0)


class Plan(BaseModel):
    """Runs of `recipe` with each of `teachers`, the weights of each of `objectives`, and each of `seeds`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: dict[str, Any]
    teachers: Annotated[list[str], Field(min_length=1)]
    seeds: Annotated[list[int], Field(min_length=1)]
    objectives: Annotated[dict[str, dict[str, float]], Field(min_length=1)]

    def runs(self) -> Iterator[tuple[str, DistillConfig]]:
        """Yield the objective's name and the recipe of each run; raises pydantic's `ValidationError` for one that cannot be."""
        for teacher in self.teachers:
            for name, weights in self.objectives.items():
                for seed in self.seeds:
                    output = Path(self.recipe["output"]) / teacher / name / str(seed)
                    yield (
                        name,
                        DistillConfig.model_validate(
                            self.recipe | {"teacher": teacher, "seed": seed, "output": output, "loss": NOTHING | weights}
                        ),
                    )


@dataclass(frozen=True)
class Result:
    """What a run reached: error rates in percent, and the sizes of both networks."""

    teacher: str
    objective: str
    seed: int
    eer: float
    eer_pooled: float
    min_dcf: float
    parameters: int
    teacher_parameters: int


def run(plan: Plan) -> list[Result]:
    """Do the runs that are not done yet; a run that was interrupted goes on."""
    return [_run(objective, config) for objective, config in list(plan.runs())]


def _run(objective: str, config: DistillConfig) -> Result:
    path = config.output / "result.json"
    if path.exists():
        return Result(**json.loads(path.read_text()))
    network = Trainer(config, load_material(config)).train()
    figures = DevSet.load(config).figures(network)
    sizes = [sum(parameter.numel() for parameter in each.parameters()) for each in (network, load_teacher(config.teacher))]
    result = Result(config.teacher, objective, config.seed, figures["dev_eer"], figures["dev_eer_pooled"], figures["dev_min_dcf"], *sizes)
    path.write_text(json.dumps(asdict(result)))
    return result


def table(results: Sequence[Result]) -> str:
    """Write the results as Markdown: mean and standard deviation over seeds."""
    lines = ["| teacher | objective | parameters | smaller by | EER | EER, pooled | minDCF |", "|---|---|---|---|---|---|---|"]
    for teacher, objective in dict.fromkeys((result.teacher, result.objective) for result in results):
        same = [result for result in results if (result.teacher, result.objective) == (teacher, objective)]
        reduction = 1.0 - same[0].parameters / same[0].teacher_parameters
        cells = (_spread([getattr(result, name) for result in same]) for name in ("eer", "eer_pooled", "min_dcf"))
        lines.append(f"| {teacher} | {objective} | {same[0].parameters:,} | {reduction:.0%} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.2f}" if len(values) == 1 else f"{mean(values):.2f} ± {stdev(values):.2f}"


@click.command()
@click.argument("path", metavar="PLAN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(path: Path) -> None:
    """Do the runs of PLAN and print the table."""
    try:
        plan = Plan.model_validate(yaml.safe_load(path.read_text()))
        list(plan.runs())
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))} = {e['input']!r}: {e['msg']}" for e in error.errors())
        raise click.UsageError(f"{path}: " + "; ".join(problems)) from None
    click.echo(table(run(plan)))


if __name__ == "__main__":
    main()
