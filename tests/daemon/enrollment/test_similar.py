from __future__ import annotations

import pytest

from daemon.config import Config, DecisionConfig, EnrollmentConfig
from daemon.decision import boundaries
from daemon.enrollment.similar import similar_voices
from tests.calibrated import plain_calibration
from tests.daemon.people import person, speaker

CALIBRATION = plain_calibration()
ALL = EnrollmentConfig(warn_mutual_false_accept=0.0)
CONFIG = Config(enrollment=EnrollmentConfig(warn_mutual_false_accept=0.05))


def test_close_voices_come_closest_first_with_what_is_to_be_feared_of_them() -> None:
    others = [speaker("ben", person(1, like=1.0)), speaker("ann", person(0, 1)), speaker("carl", person(2))]
    close = similar_voices(person(0), others, CONFIG, CALIBRATION)
    assert [each.speaker for each in close] == ["ann", "ben"]
    for each, other in zip(close, (others[1], others[0]), strict=True):
        accept = boundaries(CONFIG.decision, CALIBRATION, 1).accept
        assert each.score == pytest.approx(float(person(0) @ other.voiceprint))
        assert each.rate == CALIBRATION.boundaries.mutual_false_accept(each.score, accept)
    assert close[0].rate > close[1].rate > 0.05


def test_nobody_is_close_to_a_voice_unlike_all_others() -> None:
    assert similar_voices(person(2), [speaker("anna", person(0)), speaker("ben", person(1))], CONFIG, CALIBRATION) == ()
    assert similar_voices(person(2), [], CONFIG, CALIBRATION) == ()


def test_speakers_of_another_model_cannot_be_compared() -> None:
    assert similar_voices(person(0), [speaker("anna", person(0), model_id="edge-0")], CONFIG, CALIBRATION) == ()


def test_there_is_less_to_fear_with_a_stricter_target() -> None:
    plain, strict = (Config(decision=DecisionConfig(false_accept_rate=rate), enrollment=ALL) for rate in (0.01, 0.001))
    others = [speaker("ben", person(1, like=1.0))]
    [usual], [rarer] = (similar_voices(person(0), others, config, CALIBRATION) for config in (plain, strict))
    assert rarer.rate < usual.rate
