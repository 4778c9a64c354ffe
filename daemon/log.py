"""Structured logs on standard error.

They tell what happens to streams, never what is heard: no audio, no embedding; the name of a speaker only where it helps to repair
what is stored.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from daemon.config import LogConfig

_COMMON: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(config: LogConfig, stream: TextIO = sys.stderr) -> None:
    """Send the logs of this process, those of libraries included, to `stream`."""
    level = getattr(logging, config.level.upper())
    render = _rendering(config)
    structlog.configure(
        processors=[*_COMMON, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_COMMON, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


def _rendering(config: LogConfig) -> list[Processor]:
    if config.format == "console":
        return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    # A plain traceback: one with the values of variables would hold audio.
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
