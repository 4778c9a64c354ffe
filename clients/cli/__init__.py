"""The command `speakerctl`."""

from __future__ import annotations

import os

# gRPC reads it when it is imported: its C core would write of every failed handshake to stderr, where one sentence is ours to say.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
