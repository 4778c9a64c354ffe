"""`python -m models.distill RECIPE.yaml`: train a student as a recipe says, from where its last run stopped."""

from __future__ import annotations

from pathlib import Path

import click
import soundfile

from models.distill.config import RecipeError, load_recipe
from models.distill.material import load_material
from models.distill.targets import TargetError
from models.distill.train import Trainer
from models.distill.workers import Workers
from models.evaluate.figures import TooFewTrialsError
from models.manifest import ManifestError
from models.teachers import TeacherError


@click.command()
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(recipe: Path) -> None:
    """Distil the student that RECIPE describes."""
    try:
        config = load_recipe(recipe)
        Trainer(config, Workers.join().leader_first(lambda: load_material(config))).train()
    except (RecipeError, ManifestError, TargetError, TeacherError, TooFewTrialsError, OSError, soundfile.SoundFileError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{config.output / 'checkpoint.pt'}: export it with `python -m models.export`")


if __name__ == "__main__":
    main()
