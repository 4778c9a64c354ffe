"""The gRPC shell of the daemon."""

from __future__ import annotations

import os

# Before gRPC is loaded, which reads it once: what its C core would write to standard error is no line of our log, and what matters of it
# is in our errors.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
