from __future__ import annotations

from pathlib import Path

from models.manifest import read_manifest

SENTENCES = '"Yes, she said. | "No." | So what? | He said "perhaps" and left'


def test_quotation_marks_are_part_of_a_text(tmp_path: Path) -> None:
    rows = [f"{number}.wav\tspeaker {number}\tc\t{sentence}" for number, sentence in enumerate(SENTENCES.split(" | "))]
    (tmp_path / "manifest.tsv").write_text("\n".join(["path\tspeaker\tcorpus\tsentence", *rows]))
    recordings = read_manifest(tmp_path / "manifest.tsv", tmp_path)
    assert [recording.path.name for recording in recordings] == ["0.wav", "1.wav", "2.wav", "3.wav"]
