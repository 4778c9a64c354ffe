"""The command `speakerd` with the fake encoder and its calibration in place of the model's: `python -m tests.daemon.faked serve ...`."""

from __future__ import annotations

from unittest.mock import patch

from daemon import __main__ as command
from tests.fakes import FakeEncoder, fake_calibration

if __name__ == "__main__":
    with (
        patch.object(command, "load_encoder", lambda *_: FakeEncoder()),
        patch.object(command, "read_calibration", lambda *_: fake_calibration()),
    ):
        command.main()
