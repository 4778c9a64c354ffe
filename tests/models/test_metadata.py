from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.metadata import check_metadata, check_shapes, metadata_of
from models.weights import Card, ModelFileError

FACTS: dict[str, Any] = {"model_id": "small-12", "parameters": 6, "embedding_size": 4, "step_frames": 8, "training_data_sha256": None}
CARD = Card(Path("small.json"), "small-12", 6, 4, 8, {}, FACTS)


@dataclass
class Node:
    name: str
    shape: list[int | str]


@dataclass
class Session:
    inputs: list[Node]
    outputs: list[Node]

    def get_inputs(self) -> list[Node]:
        return self.inputs

    def get_outputs(self) -> list[Node]:
        return self.outputs


def test_a_file_says_what_its_card_says() -> None:
    said = metadata_of(FACTS)
    assert said["speakerd.model_id"] == '"small-12"'
    assert said["speakerd.training_data_sha256"] == "null"
    check_metadata(CARD, {**said, "framework": "another key is no matter"})


def test_long_facts_are_shortened_in_messages() -> None:
    said = {**metadata_of(FACTS), "speakerd.normalisation_prior": str(list(range(80)))}
    with pytest.raises(ModelFileError) as refused:
        check_metadata(CARD, said)
    assert "small.onnx says normalisation_prior = [0, 1, 2" in str(refused.value)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("session", "message"),
    [
        (
            Session([Node("frames", ["n", 10, 80])], [Node("embedding", ["n", 4])]),
            r"has frames of \(batch, 10, 80\) where frames of \(batch, 8, 80\)",
        ),
        (Session([Node("audio", ["n", 8, 80])], [Node("embedding", ["n", 4])]), r"has audio of .* where frames of"),
        (
            Session([Node("frames", ["n", 8, 80])], [Node("embedding", ["n", 5])]),
            r"has embedding of \(batch, 5\) where embedding of \(batch, 4\)",
        ),
        (
            Session([Node("frames", ["n", 8, 80]), Node("state_0", ["n", 3])], [Node("embedding", ["n", 4])]),
            "takes 1 states and returns 0",
        ),
        (
            Session(
                [Node("frames", ["n", 8, 80]), Node("state_0", ["n", 3])], [Node("embedding", ["n", 4]), Node("next_state_0", ["n", 2])]
            ),
            r"has next_state_0 of \(batch, 2\) where next_state_0 of \(batch, 3\)",
        ),
    ],
)
def test_a_file_that_is_no_step_function_of_the_cards_sizes_is_refused(session: Session, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        check_shapes(CARD, session)


def test_a_step_function_is_taken() -> None:
    state, after = Node("state_0", ["n", 3]), Node("next_state_0", ["n", 3])
    check_shapes(CARD, Session([Node("frames", ["n", 8, 80]), state], [Node("embedding", ["n", 4]), after]))
