from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from daemon.enrollment.agreement import compare, split_voices
from models.calibration.score import ScoreModel
from tests.calibrated import NEUTRAL, SLOPE, plain_calibration
from tests.daemon.people import evidence, heard

CALIBRATION = plain_calibration()
CAREFUL = replace(CALIBRATION, model=ScoreModel(SLOPE * np.eye(6)[1], -SLOPE * NEUTRAL * np.eye(6)[1]))
"""Its ratios grow with the logarithm of the speech of what is compared."""


@pytest.mark.parametrize("turns", ["ab", "aab", "aabb", "abab", "abba", "aaabaaaa", "abababab", "bbbbbabb"])
def test_voices_are_told_apart_however_they_take_turns(turns: str) -> None:
    voices = split_voices([heard("ab".index(turn), take) for take, turn in enumerate(turns)], CALIBRATION)
    rarer = min("ab", key=turns.count)
    assert voices
    assert voices.score < 0.15
    assert voices.llr == pytest.approx(SLOPE * (voices.score - NEUTRAL))
    if turns.count("a") != turns.count("b"):
        assert voices.odd == tuple(index for index, turn in enumerate(turns) if turn == rarer)
    assert len(voices.odd) == turns.count(rarer)


@pytest.mark.parametrize("count", [2, 3, 10, 50])
def test_one_voice_agrees_with_itself(count: int) -> None:
    voices = split_voices([heard(0, take) for take in range(count)], CALIBRATION)
    assert voices
    assert voices.score > 0.6
    assert voices.llr > 0.0


def test_equal_embeddings_agree() -> None:
    voices = split_voices([heard(0)] * 4, CALIBRATION)
    assert voices
    assert voices.score == pytest.approx(1.0)


def test_there_is_nothing_to_split_in_fewer_than_two() -> None:
    assert split_voices([heard(0)], CALIBRATION) is None
    assert split_voices([], CALIBRATION) is None


def test_little_speech_of_another_voice_says_less() -> None:
    brief, long = (split_voices([heard(0, 0), heard(0, 1), heard(1, 2, seconds)], CAREFUL) for seconds in (1.2, 8.0))
    assert brief
    assert long
    assert long.llr < brief.llr < 0.0
    assert long.odd == brief.odd == (2,)


def test_what_is_longer_weighs_more() -> None:
    part = np.array([True, False, False])
    mixed = [heard(0), heard(0, 1, seconds=9.0), heard(1, 0, seconds=1.0)]
    assert compare(mixed, part, CALIBRATION).score > compare([heard(0), heard(0, 1), heard(1, 0)], part, CALIBRATION).score


def test_what_is_compared_is_named() -> None:
    agreement = compare([heard(0), heard(1), heard(0, 1)], np.array([False, True, False]), CALIBRATION)
    assert agreement.odd == (1,)
    assert agreement.llr < -10.0


def test_the_ratio_is_that_of_the_worse_quality() -> None:
    noisy = heard(0)._replace(evidence=evidence(snr=0.0))
    part = np.array([True, True, False])
    by_snr = replace(CALIBRATION, model=ScoreModel(SLOPE * np.eye(6)[2], np.zeros(6)))
    assert compare([heard(0), noisy, heard(0, 1)], part, by_snr).llr < compare([heard(0), heard(0), heard(0, 1)], part, by_snr).llr
    muffled = heard(0, 1)._replace(evidence=evidence(bandwidth=3_400.0))
    by_band = replace(CALIBRATION, model=ScoreModel(SLOPE * np.eye(6)[0], -np.eye(6)[3]))
    full = compare([heard(0), heard(0), heard(0, 1)], part, by_band)
    assert compare([heard(0), heard(0), muffled], part, by_band).llr == pytest.approx(full.llr - 1.0)


def test_pieces_are_of_one_recording() -> None:
    by_recordings = replace(CALIBRATION, model=ScoreModel(SLOPE * np.eye(6)[0], -np.eye(6)[5]))
    voices = [heard(0, take) for take in range(4)]
    pieces, recordings = split_voices(voices, by_recordings, pieces=True), split_voices(voices, by_recordings)
    assert pieces
    assert recordings
    assert pieces.llr < recordings.llr
