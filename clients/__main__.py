"""Entry point of `speakerctl`, also `python -m clients`."""

from __future__ import annotations

from clients.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
