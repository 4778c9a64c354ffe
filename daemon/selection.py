"""Which of the enrolled speakers an attempt is about."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.errors import NoSpeakersError, SpeakerNotFoundError, WrongModelError
from daemon.speakers import Speaker


def select_speakers(enrolled: Sequence[Speaker], names: Sequence[str], model_id: str) -> tuple[Speaker, ...]:
    """Return the speakers called `names`, or all if there are no names.

    Raises `NoSpeakersError`, `SpeakerNotFoundError`, or `WrongModelError` if one of them was enrolled with another model: to leave
    them out of a search would tell that they are not the one who speaks.
    """
    known = {speaker.name: speaker for speaker in enrolled}
    if unknown := sorted(set(names) - set(known)):
        raise SpeakerNotFoundError(f"nobody is enrolled as {_quoted(unknown)}: list the speakers to see who is", speakers=",".join(unknown))
    chosen = tuple(known[name] for name in dict.fromkeys(names)) or tuple(enrolled)
    if not chosen:
        raise NoSpeakersError("nobody is enrolled: enroll a speaker first")
    if stale := [speaker.name for speaker in chosen if speaker.model_id != model_id]:
        raise WrongModelError(
            f"{_quoted(stale)} must be enrolled again: the voiceprint was made by another model than {model_id}, which runs now",
            speakers=",".join(stale),
        )
    return chosen


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
