"""Continuous hearing as a pure state machine: audio without end in, a row of attempts out.

No clock, no threads, no device, no network, as in `daemon.session`. The events depend on the audio alone, never on how it was cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from daemon.config import Config
from daemon.decision import DECIDED, Decider
from daemon.events import AttemptDecided, AttemptEvent, AttemptStarted, Outcome, Reason, WatchEvent
from daemon.hearing.hops import HopQueue
from daemon.hearing.listener import Encode, Utterance
from daemon.hearing.meters import ClippingMeter, LevelMeter, SilenceMeter
from daemon.hearing.vad import Hop, Passage, speech_gate
from daemon.session import Session
from daemon.speakers import Speaker
from daemon.watch.attempts import Attempt, Phase
from daemon.watch.following import Follower
from models.calibration.calibration import Calibration
from models.encoder import Embedding, State, Step
from models.features import SAMPLE_RATE, Waveform

HALVINGS: Final = 30
"""Of the rate of false accepts at most, while someone speaks on who is not accepted."""
BACKGROUND_HOPS: Final = 1_000
"""What was heard in the last 10 s tells the background of an attempt that begins."""


class WatchSession(Session[WatchEvent]):
    """Hears a capture; see `daemon.session.Session` for how to drive it.

    An attempt begins when speech begins: AttemptStarted. AttemptDecided tells what is made of it, every `decision.interim_seconds` of
    speech; it ends with a final decision: as soon as the evidence accepts or rejects, after `attempts.pause_seconds` without speech, after
    `attempts.speech_seconds` of speech, or when the audio ends. If speech goes on, the next attempt begins at once, and knows nothing of
    the last; but each that follows, without such a pause, one in which nobody was accepted may falsely accept half as often: whoever
    speaks on is accepted at most twice as often as in one attempt. Beside them come Level, every `attempts.level_seconds`,
    SilenceChanged and ClippingChanged.

    With `attempts.follow`, whoever is accepted is followed while they speak on, through pauses that are shorter than an attempt's end: no
    other attempt begins. AttemptFollowed tells what is made of the latest `attempts.view_seconds` of speech, as often as AttemptDecided;
    a final one, after so much speech at the earliest, accepts them anew. SpeakerChanged says that someone else talks: it comes before
    the acceptance of another speaker in an attempt of their own, or Locked. Locked says that nobody is accepted any more, and why.

    Only speech is encoded. Memory and cost per second are constant, however long it hears. calibration: of the encoder's
    model. attempts: how many there were before.
    """

    def __init__(
        self, encoder_start: State, speakers: Sequence[Speaker], config: Config, calibration: Calibration, *, attempts: int = 0
    ) -> None:
        self._start = encoder_start
        self._config = config
        self._calibration = calibration
        self._pause = round(config.attempts.pause_seconds * SAMPLE_RATE)
        self._budget = round(config.attempts.speech_seconds * SAMPLE_RATE)
        self._interim = round(config.decision.interim_seconds * SAMPLE_RATE)
        self._hops = HopQueue()
        self._gate = speech_gate(config.vad)
        self._background: deque[float] = deque(maxlen=BACKGROUND_HOPS)
        self._level = LevelMeter(config.attempts.level_seconds)
        self._silence = SilenceMeter()
        self._clipping = ClippingMeter()
        self._due: deque[WatchEvent] = deque()
        self._attempt: Attempt | None = None
        self._encoding: Attempt | None = None
        self._follower = Follower(config, calibration.boundaries.change_at)
        self._voiced_until = 0
        self._rested = True
        """There was a pause since the last attempt began."""
        self._failed = 0
        """Attempts in a row, without a pause, in which nobody was accepted."""
        self._paused = False
        self._finished = False
        self.at = 0
        """Samples heard: what the latest answer of `poll` rests on."""
        self.attempts = attempts
        """Attempts that have begun."""
        self.set_speakers(speakers)

    @property
    def embedding(self) -> Embedding | None:
        """What the latest decision of the attempt that goes on rests on, (192,); None if none goes on."""
        return self._attempt.embedding if self._attempt else None

    def set_speakers(self, speakers: Sequence[Speaker]) -> None:
        """Tell apart these speakers from now on, in the attempt that goes on too: nobody else is accepted. There may be none."""
        config = self._config
        self._decider = Decider(speakers, config.decision, self._calibration, budget=config.attempts.speech_seconds)
        self._count_failed(self._failed)

    def _count_failed(self, count: int) -> None:
        """Decide as befits so many attempts in a row in which nobody was accepted."""
        self._failed = count
        self._decider.keep(self._config.decision.false_accept_rate * 2.0 ** -min(count, HALVINGS))

    def feed(self, samples: Waveform) -> None:
        """Buffer mono samples in [-1, 1] at 16 kHz, shape (n,), n >= 0."""
        self._hops.push(samples)

    def finish(self) -> None:
        """No more audio: the attempt that goes on is decided."""
        self._finished = True

    def cut(self) -> None:
        """Audio is missing here: the attempt that goes on is decided, and what is fed from now on does not follow it.

        Poll until there is nothing to do before.
        """
        self._end_attempt(Reason.AUDIO_ENDED)
        self._gate.finish()

    def pause(self) -> None:
        """Make no attempts until `resume`; the one that goes on is decided. Everything else is still told."""
        self._end_attempt(Reason.AUDIO_ENDED)
        self._paused = True

    def resume(self) -> None:
        """Make attempts again: who speaks now is heard from here on."""
        self._paused = False

    def poll(self) -> Encode | WatchEvent | None:
        """Return what to do next, as `Session.poll` says."""
        while True:
            if self._due:
                return self._due.popleft()
            if self._attempt and (due := self._continue(self._attempt)):
                return due
            if (samples := self._hops.take()) is not None:
                self._advance(self._gate.push(samples))
            elif not self._finished:
                return None
            else:
                self.at = self._hops.total
                if not self._attempt:
                    return None
                self._end_attempt(Reason.AUDIO_ENDED)

    def encoded(self, step: Step) -> None:
        """Take the encoder step that the last `Encode` asked for."""
        if self._encoding:
            self._encoding.encoded(step)
            self._encoding = None

    def _continue(self, attempt: Attempt) -> Encode | AttemptEvent | None:
        """Return what is due of the attempt. A decision is made when it is asked for, so that it knows who is enrolled then."""
        told = self._judge(attempt) if attempt.phase is Phase.OPEN else self._follower.judge(attempt, self._decider, self.at)
        if attempt.phase is Phase.OVER:
            self._attempt = self._encoding = None
        if told:
            self.attempts = max(self.attempts, told.attempt)
            return told
        if asked := attempt.step():
            self._encoding = attempt
        return asked

    def _judge(self, attempt: Attempt) -> AttemptDecided | None:
        """Find out who speaks."""
        if not (attempt.to_judge or attempt.ended):
            return None
        attempt.to_judge = False
        evidence = attempt.evidence
        ended = attempt.ended or (Reason.SPEECH_BUDGET_SPENT if evidence.speech >= self._budget else None)
        decision = self._decider.decide(attempt.embedding, evidence, self.at, ended=ended)
        if decision.outcome in DECIDED:
            decision = replace(decision, final=True)
        said = attempt.utterance.passed
        if decision.final:
            attempt.phase = Phase.OVER
            self._count_failed(0 if decision.outcome is Outcome.ACCEPT else self._failed + 1)
            if decision.outcome is Outcome.ACCEPT and self._config.attempts.follow:
                attempt.follow(decision.candidates[0].speaker, attempt.number)
        elif said < attempt.told_after + self._interim:
            return None
        attempt.told_after = said
        return AttemptDecided(self.at, attempt.number, decision)

    def _advance(self, passage: Passage) -> None:
        hop = passage.hop
        self.at = hop.end
        self._measure(hop)
        self._background.append(hop.power)
        self._voiced_until = hop.end if hop.voiced else self._voiced_until
        quiet = not self._gate.open and hop.end - self._voiced_until >= self._pause
        self._rested |= quiet
        if self._attempt:
            self._attempt.utterance.hear([hop.power])
        elif hop.voiced and self._gate.open and not self._paused:
            self._attempt = self._begin(hop.start if passage.started is None else passage.started)
        if self._attempt:
            self._attempt.take(passage)
            if quiet:
                self._end_attempt(Reason.SPEECH_PAUSED)

    def _measure(self, hop: Hop) -> None:
        told = self._silence.hear(hop), self._clipping.hear(hop), self._level.hear(hop, speech=self._gate.open)
        self._due.extend(event for event in told if event)

    def _begin(self, offset: int) -> Attempt:
        if self._rested:
            self._count_failed(0)
        self._rested = False
        self.attempts += 1
        self._due.append(AttemptStarted(self.at, self.attempts, offset))
        attempt = Attempt(self.attempts, Utterance(self._start), self._config.attempts.view_seconds)
        attempt.utterance.hear(self._background)
        return attempt

    def _end_attempt(self, why: Reason) -> None:
        if self._attempt and not self._attempt.ended:
            self._attempt.ended = why
