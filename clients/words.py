"""What people are told in words."""

from __future__ import annotations

from typing import Final

from clients.messages import Reason

REASONS: Final = {
    Reason.SCORE_ABOVE_THRESHOLD: "the voice fits",
    Reason.SCORE_BELOW_THRESHOLD: "the voice does not fit",
    Reason.SCORE_BETWEEN_THRESHOLDS: "the score lies between the thresholds",
    Reason.NO_SPEECH: "no speech was heard",
    Reason.NOT_ENOUGH_SPEECH: "not enough speech to tell",
    Reason.SPEAKERS_TOO_CLOSE: "two speakers fit nearly equally well",
    Reason.NO_SPEAKERS_ENROLLED: "nobody is enrolled",
    Reason.UNSPECIFIED: "for a reason that this client does not know",
}
"""Why a decision is what it is."""
