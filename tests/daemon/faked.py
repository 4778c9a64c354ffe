"""The command `speakerd` with the fake encoder in place of the model: `python -m tests.daemon.faked serve ...`."""

from __future__ import annotations

from unittest.mock import patch

from daemon import __main__ as command
from tests.fakes import FakeEncoder

if __name__ == "__main__":
    with patch.object(command, "load_encoder", lambda *_: FakeEncoder()):
        command.main()
