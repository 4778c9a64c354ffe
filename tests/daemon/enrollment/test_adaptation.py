from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from daemon.config import Config, EnrollmentConfig
from daemon.decision import Decider
from daemon.enrollment.adaptation import lesson
from daemon.events import Decision, Evidence, Outcome, Reason
from daemon.speakers import Speaker, Template
from models.encoder import Embedding
from tests.calibrated import plain_calibration
from tests.daemon.people import evidence, person, speaker

CALIBRATION = plain_calibration()
CONFIG = Config(enrollment=EnrollmentConfig(adapt=True, adapt_margin=3.0, adapt_speech_seconds=1.5, adapt_snr_db=15.0))
ANNA, BEN = speaker("anna", person(0, 1), person(0, 2)), speaker("ben", person(1, 1))
GOOD = evidence(2.0, snr=25.0)


def decide(embedding: Embedding, speakers: tuple[Speaker, ...] = (ANNA, BEN), of: Evidence = GOOD) -> Decision:
    return replace(Decider(speakers, CONFIG.decision, CALIBRATION).decide(embedding, of, 0), final=True)


def test_who_is_accepted_beyond_doubt_is_learned_from() -> None:
    taught = lesson(decide(person(0)), 3.0 * person(0), (BEN, ANNA), CONFIG, CALIBRATION)
    assert taught
    assert taught.speaker is ANNA
    np.testing.assert_allclose(taught.template.embedding, person(0), rtol=1e-6)
    assert (taught.template.model_id, taught.template.evidence) == (CALIBRATION.model_id, GOOD)


@pytest.mark.parametrize(
    "change", [{"final": False}, {"outcome": Outcome.REJECT}, {"outcome": Outcome.UNDECIDED, "reason": Reason.AUDIO_ENDED}]
)
def test_only_acceptances_that_stand_teach(change: dict[str, object]) -> None:
    decision = replace(decide(person(0)), **change)  # type: ignore[arg-type]
    assert lesson(decision, person(0), (ANNA, BEN), CONFIG, CALIBRATION) is None


def test_nothing_is_learned_of_what_was_not_kept() -> None:
    assert lesson(decide(person(0)), None, (ANNA, BEN), CONFIG, CALIBRATION) is None


@pytest.mark.parametrize("poor", [evidence(1.4), evidence(snr=14.0), evidence(clipped=0.1), evidence(bandwidth=3_400.0)], ids=str)
def test_poor_speech_teaches_nothing(poor: Evidence) -> None:
    assert decide(person(0), of=poor).outcome is Outcome.ACCEPT
    assert lesson(decide(person(0), of=poor), person(0), (ANNA, BEN), CONFIG, CALIBRATION) is None


def test_who_is_barely_accepted_is_not_learned_from() -> None:
    nearly = next(
        mixed
        for share in np.linspace(0.0, 2.0, 400)
        if 0.0 <= decide(mixed := (person(0) + np.float32(share) * person(5)), (ANNA,)).margin_accept < 1.0
    )
    assert decide(nearly).outcome is Outcome.ACCEPT
    assert lesson(decide(nearly), nearly, (ANNA, BEN), CONFIG, CALIBRATION) is None


def test_a_speaker_whom_another_resembles_is_not_learned_from() -> None:
    sister = speaker("sister", person(2, like=1.0))
    assert lesson(decide(person(0), (ANNA,)), person(0), (ANNA, sister), CONFIG, CALIBRATION) is None
    # Those who were not asked for count, too.
    assert decide(person(0), (ANNA,)).outcome is Outcome.ACCEPT


def test_adaptation_never_builds_on_adaptation() -> None:
    drifted = (person(0) + np.float32(1.5) * person(5)).astype(np.float32)
    led_astray = replace(ANNA, adapted=(Template(person(5), "fake-1", GOOD),) * 1000)
    assert lesson(decide(drifted, (led_astray,)), drifted, (led_astray, BEN), CONFIG, CALIBRATION) is None
    taught = lesson(decide(person(0), (led_astray,)), person(0), (led_astray, BEN), CONFIG, CALIBRATION)
    assert taught
    assert taught.speaker is led_astray


def test_however_much_is_learned_the_enrolled_voice_stays_most_of_the_voiceprint() -> None:
    adapted = replace(ANNA, adapted=tuple(Template(person(0, take), "fake-1", GOOD) for take in range(100, 108)))
    assert float(adapted.voiceprint @ ANNA.anchor) > 0.98
    np.testing.assert_array_equal(replace(adapted, adapted=()).voiceprint, ANNA.voiceprint)
