"""`python -m models.distill RECIPE.yaml`: train a student as a recipe says, from where its last run stopped."""

from __future__ import annotations

from pathlib import Path

import click

from models.distill.config import RecipeError, load_recipe
from models.distill.material import load_material
from models.distill.train import Trainer


@click.command()
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(recipe: Path) -> None:
    """Distil the student that RECIPE describes."""
    try:
        config = load_recipe(recipe)
    except RecipeError as error:
        raise click.UsageError(str(error)) from None
    Trainer(config, load_material(config)).train()
    click.echo(f"{config.output / 'checkpoint.pt'}: export it with `python -m models.export`")


if __name__ == "__main__":
    main()
