"""`speakerd` with the fake encoder, its calibration and a detector that hears synthetic voices: `python -m tests.daemon.faked serve`."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from daemon import __main__ as command
from daemon.config import Config
from daemon.config_file import load_config
from tests.fakes import PLAIN_VAD, FakeEncoder, fake_calibration


def plain_config(file: Path | None) -> Config:
    """Return the settings, but for the gate."""
    return load_config(file).model_copy(update={"vad": PLAIN_VAD})


if __name__ == "__main__":
    with (
        patch.object(command, "load_config", plain_config),
        patch.object(command, "load_encoder", lambda *_: FakeEncoder()),
        patch.object(command, "read_calibration", lambda *_: fake_calibration()),
    ):
        command.main()
