"""The shipped students, each with its card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent


class ModelFileError(ValueError):
    """A model's files are missing, altered or do not fit together; the message names the file."""


@dataclass(frozen=True)
class Card:
    """The facts of a model that its users rely on. `facts` holds the whole card, as it is in the JSON file."""

    path: Path
    model_id: str
    parameters: int
    embedding_size: int
    step_frames: int
    sha256: dict[str, str]
    facts: dict[str, Any]

    def file(self, suffix: str) -> Path:
        """Return the model's file that ends in `suffix` (.onnx or .pt). Raises `ModelFileError` unless it is as the card says."""
        path = self.path.with_suffix(suffix)
        expected = self.sha256.get(path.name)
        if expected is None:
            listed = ", ".join(self.sha256) or "none"
            raise ModelFileError(f"{self.path} lists no {suffix} file, so another backend runs this model; its files: {listed}")
        if not path.exists():
            raise ModelFileError(f"{path} is missing: reinstall speakerd, or export the model again")
        if digest(path) != expected:
            raise ModelFileError(f"{path} is not the file that {self.path.name} describes: reinstall speakerd, or export the model again")
        return path


def read_card(model: str) -> Card:
    """Return the card of a shipped model by name, or of any model by the path of its card. Raises `ModelFileError`."""
    path = Path(model) if model.endswith(".json") else SHIPPED / f"{model}.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts["sha256"], dict):
            raise TypeError("sha256 is no list of files and their hashes")
        return Card(path, facts["model_id"], facts["parameters"], facts["embedding_size"], facts["step_frames"], facts["sha256"], facts)
    except FileNotFoundError:
        names = ", ".join(sorted(card.stem for card in SHIPPED.glob("*.json")))
        raise ModelFileError(f"there is no model {model!r}; shipped are: {names}; or give the path of a card (.json)") from None
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} is not a model card: {error!r}") from None


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
