from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from models.distill.config import RecipeError, load_recipe
from models.distill.losses import TERMS

RECIPES = Path(__file__).parents[3] / "models" / "recipes"
RECIPE = {"student": "edge", "teacher": "campplus", "data": "d", "cache": "c", "output": "o", "steps": 10}


def _recipe(directory: Path, **changes: object) -> Path:
    path = directory / "recipe.yaml"
    path.write_text(yaml.safe_dump(RECIPE | changes))
    return path


@pytest.mark.parametrize("path", sorted(path for path in RECIPES.glob("*.yaml") if path.stem != "ablation"), ids=lambda path: path.name)
def test_shipped_recipes_are_valid(path: Path) -> None:
    assert load_recipe(path).steps > 0


def test_values_are_read(tmp_path: Path) -> None:
    config = load_recipe(_recipe(tmp_path, augment={"snr_db": [5.0, 10.0]}, loss={"frame": 0.0}))
    assert config.augment.snr_db == (5.0, 10.0)
    assert config.loss.frame == 0.0
    assert config.loss.pooled > 0.0


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"stepz": 1}, "stepz"),
        ({"steps": "many"}, "steps"),
        ({"augment": {"snr": 3}}, "augment.snr"),
        ({"student": "huge"}, "student"),
        ({"teacher": "nobody"}, "teacher.*campplus"),
        ({"crop_seconds": [3.0, 1.0]}, "crop_seconds"),
        ({"loss": {"frame": -1.0}}, "loss.frame"),
        ({"loss": dict.fromkeys(TERMS, 0.0)}, "loss: one of embedding, .* needs a weight"),
        ({"warmup": 0}, "warmup"),
        ({"decay": 0.0}, "decay"),
        ({"threads": 0}, "threads"),
    ],
)
def test_a_wrong_recipe_names_the_key(tmp_path: Path, changes: dict[str, object], key: str) -> None:
    with pytest.raises(RecipeError, match=key):
        load_recipe(_recipe(tmp_path, **changes))


def test_what_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("student: [edge")
    with pytest.raises(RecipeError, match=r"recipe\.yaml is not a recipe in YAML"):
        load_recipe(path)


def test_a_longer_run_is_the_same_one_and_another_seed_is_not(tmp_path: Path) -> None:
    before = load_recipe(_recipe(tmp_path))
    assert before.changed_since(load_recipe(_recipe(tmp_path, steps=20, threads=1, output="elsewhere")).model_dump_json()) == []
    assert before.changed_since(load_recipe(_recipe(tmp_path, seed=5, augment={"noise": 0.1})).model_dump_json()) == ["seed", "augment"]
    with pytest.raises(RecipeError, match="another version"):
        before.changed_since('{"student": "edge", "flavour": "sweet"}')
