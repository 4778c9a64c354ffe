"""What people see of an enrollment and of who is enrolled."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from clients.messages import Enrolled, RecordingQuality, RecordingVerdict, Speaker
from clients.words import similar

_STYLES: Final = {RecordingVerdict.GOOD: "green", RecordingVerdict.DOUBTFUL: "bold red", RecordingVerdict.CLIPPED: "bold red"}


def enrolled_lines(enrolled: Enrolled) -> Text:
    """Return who is enrolled, how good each recording is, and whose voices are close."""
    lines = [Text.assemble(("Enrolled ", "bold green"), speaker_line(enrolled.speaker))]
    lines += [_recording(number, quality) for number, quality in enumerate(enrolled.recordings, 1)]
    lines += [Text.assemble("  ", ("close", "bold yellow"), f" to {similar(voice)}") for voice in enrolled.similar_voices]
    return Text("\n").join(lines)


def speaker_line(speaker: Speaker) -> Text:
    """Return what is known of a speaker."""
    sessions = f" in {speaker.sessions} sessions" if speaker.sessions > 1 else ""
    learned = f" and {_counted(speaker.adapted_attempts, 'attempt')} learned from" if speaker.adapted_attempts else ""
    heard = f"{_counted(speaker.recordings, 'recording')}{sessions}{learned}, {speaker.speech:.1f} s of speech"
    return Text.assemble((speaker.name, "bold"), f": {heard}, {speaker.model_id}, {speaker.updated:%Y-%m-%d %H:%M} UTC")


def _recording(number: int, quality: RecordingQuality) -> Text:
    evidence, verdict = quality.evidence, quality.verdict
    agreement = "" if quality.agreement_llr is None else f", agreement LLR {quality.agreement_llr:+.1f}"
    facts = f"({evidence.speech:.1f} s of speech, SNR {evidence.snr_db:.0f} dB{agreement})"
    word = (quality.advice or verdict.value.lower().replace("_", " "), _STYLES.get(verdict, "yellow"))
    return Text.assemble(f"  recording {number}: ", word, " ", facts)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
