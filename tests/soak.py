"""Listen to a microphone for long, and measure: `python -m tests.soak --minutes 30`.

A real daemon hears speech and silence in turns through a sound server of its own. What is measured is printed; the exit status is 1 if
the memory of the daemon or of its recorder was not flat, or if audio was lost.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from threading import Thread

from clients.capture_messages import AttemptDecided, CaptureCounters, SubscribeConfig
from clients.client import Client
from clients.errors import ClientError
from tests import audio
from tests.daemon.capture.listening import ENROLLED, enroll_voices, listening, until_listening, voice
from tests.daemon.process import DaemonProcess
from tests.sound import sound_server

CONFIG = "captures: {door: {}}"
TOLERANCE = 0.02
"""Share by which memory may differ from what it was after the first turns."""
WARM_UP = 0.1
"""Share of the time in which memory may still grow: buffers fill, code is loaded."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


SPEECH = ("1-slt/4.opus", "3-awb/1.opus", "2-rms/4.opus")
SILENCE_SECONDS = 6.0


@dataclass(frozen=True)
class Usage:
    """What a process has used: seconds of a processor, and bytes of memory now."""

    cpu: float
    memory: int


@dataclass
class Report:
    """What was measured. usage: of each process, each time with the seconds since the start. loads: seconds of a processor that all of
    them used per second, by what was heard.
    """

    usage: dict[str, list[tuple[float, Usage]]] = field(default_factory=lambda: defaultdict(list))
    loads: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    decisions: Counter[str] = field(default_factory=Counter)
    captured: float = 0.0
    counters: CaptureCounters = field(default_factory=CaptureCounters)

    def spread(self, process: str) -> float:
        """Return by which share the memory of a process differed from what it was after the warm-up, at most."""
        samples = self.usage[process]
        settled = [usage.memory for seconds, usage in samples if seconds >= WARM_UP * samples[-1][0]]
        return max(abs(memory - settled[0]) for memory in settled) / settled[0]

    def passed(self) -> bool:
        """Tell whether nothing was lost and memory was flat."""
        return self.counters.overruns == self.counters.stalls == 0 and all(self.spread(process) <= TOLERANCE for process in self.usage)

    def lines(self) -> list[str]:
        """Return it as text."""
        memory = [
            f"{process}: {samples[-1][1].memory / 2**20:.1f} MB at the end, within {self.spread(process):.2%} since the warm-up"
            for process, samples in self.usage.items()
        ]
        loads = [f"{what}: {sum(each) / len(each):.3f} s of a processor per second" for what, each in self.loads.items()]
        heard = f"heard {self.captured:.0f} s, {self.counters}, decisions: {dict(self.decisions)}"
        return [*memory, *loads, heard]


def soak(seconds: float) -> Report:
    """Let a daemon listen for so long."""
    report = Report()
    with sound_server() as sound, listening(sound, CONFIG) as (process, client):
        enroll_voices(client)
        until_listening(client)
        reader = Thread(target=_count_decisions, args=(client, report), daemon=True)
        reader.start()
        began = time.monotonic()
        parts = [("speech", voice(name)) for name in SPEECH] + [("speech", voice(f"{name}/1.opus")) for name in ENROLLED]
        for what, samples in cycle(part for speech in parts for part in (speech, ("silence", audio.silence(SILENCE_SECONDS)))):
            before, since = _usage(process), time.monotonic()
            sound.play(samples)
            after, now = _usage(process), time.monotonic()
            report.loads[what].append(sum(after[name].cpu - before[name].cpu for name in after) / (now - since))
            for name, usage in after.items():
                report.usage[name].append((now - began, usage))
            if now - began >= seconds:
                break
        [capture] = client.captures()
        report.captured, report.counters = capture.captured, capture.counters
    reader.join()
    return report


def main() -> None:
    """Measure for as long as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    report = soak(60 * parser.parse_args().minutes)
    print(*report.lines(), sep="\n")
    sys.exit(not report.passed())


def _count_decisions(client: Client, report: Report) -> None:
    with closing(client.subscribe(SubscribeConfig(captures=["door"], levels=True))) as events, suppress(ClientError):
        for told in events:
            if isinstance(told.event, AttemptDecided) and told.event.decision.final:
                report.decisions[f"{told.event.decision.outcome.value} {told.event.decision.speaker}"] += 1


def _usage(process: DaemonProcess) -> dict[str, Usage]:
    [recorder] = process.children()
    return {"daemon": _used_by(process.pid), "recorder": _used_by(recorder)}


def _used_by(pid: int) -> Usage:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, resident = int(after_name[11]), int(after_name[12]), int(after_name[21])
    return Usage((user + system) / TICKS, resident * PAGE)


if __name__ == "__main__":
    main()
