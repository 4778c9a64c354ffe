from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.evaluate.conditions import Condition
from models.evaluate.figures import Figures, TooFewTrialsError, evaluate
from models.evaluate.metrics import equal_error_rate
from models.evaluate.trials import build_trials, score_trials
from tests.models.evaluate.recordings import recordings_of, voices

TEN = {f"speaker{index}": 6 for index in range(10)}
"""Ten speakers: 30 target trials, 270 non-target trials."""


def test_voices_that_are_apart_are_told_apart() -> None:
    recordings = recordings_of("a", TEN)
    figures = evaluate(recordings, voices(recordings, noise=0.1)).figures
    assert figures.cllr == pytest.approx(0.0, abs=1e-3)
    assert replace(figures, cllr=0.0) == Figures(
        eer=0.0,
        eer_interval=(0.0, 0.0),
        eer_pooled=0.0,
        min_dcf=0.0,
        min_dcf_001=0.0,
        act_dcf=0.0,
        cllr=0.0,
        n_target=30,
        n_nontarget=270,
    )


def test_the_length_of_embeddings_does_not_matter() -> None:
    recordings = recordings_of("a", TEN)
    embeddings = voices(recordings, noise=2.0)
    lengths = np.random.default_rng(1).uniform(0.1, 10.0, (len(recordings), 1))
    assert evaluate(recordings, embeddings * lengths).figures.eer == pytest.approx(evaluate(recordings, embeddings).figures.eer)


def test_figures_are_means_over_corpora() -> None:
    easy, hard = recordings_of("easy", TEN), recordings_of("hard", TEN)
    embeddings = np.concatenate([voices(easy, noise=0.5), voices(hard, noise=4.0)])
    both = evaluate(easy + hard, embeddings)
    alone = [evaluate(easy, embeddings[:60]).figures, evaluate(hard, embeddings[60:]).figures]
    assert alone[0].eer < alone[1].eer
    assert both.figures.eer == pytest.approx((alone[0].eer + alone[1].eer) / 2)
    assert both.figures.min_dcf == pytest.approx((alone[0].min_dcf + alone[1].min_dcf) / 2)
    assert (both.figures.n_target, both.figures.n_nontarget) == (60, 540)
    assert both.figures.min_dcf_001 == pytest.approx((alone[0].min_dcf_001 + alone[1].min_dcf_001) / 2)
    for corpus, own in zip(("easy", "hard"), alone, strict=True):
        # Together they are calibrated on both.
        assert replace(both.by["corpus"][corpus], act_dcf=own.act_dcf, cllr=own.cllr) == own


def test_the_pooled_rate_has_one_threshold() -> None:
    first, second = recordings_of("first", TEN), recordings_of("second", TEN)
    shift = np.zeros(64)
    shift[0] = 20.0
    embeddings = np.concatenate([voices(first, noise=1.0), voices(second, noise=1.0) + shift])
    scored = [(trials.target, score_trials(trials, embeddings)) for trials in build_trials(first + second)]
    targets = np.concatenate([scores[target] for target, scores in scored])
    nontargets = np.concatenate([scores[~target] for target, scores in scored])
    figures = evaluate(first + second, embeddings).figures
    assert figures.eer_pooled == equal_error_rate(targets, nontargets)
    assert figures.eer_pooled > figures.eer


def test_a_small_corpus_is_left_out_and_named() -> None:
    recordings = recordings_of("small", {"ann": 5, "bob": 5}) + recordings_of("large", TEN)
    report = evaluate(recordings, voices(recordings, noise=0.1))
    assert report.figures.left_out == ("small",)
    assert report.figures.n_target == 30
    assert list(report.by["corpus"]) == ["large"]


def test_too_few_trials_altogether() -> None:
    recordings = recordings_of("small", {"ann": 5, "bob": 5})
    with pytest.raises(TooFewTrialsError, match="20 target and 200 non-target trials"):
        evaluate(recordings, voices(recordings, noise=0.1))


def test_groups_by_sex_hold_trials_within_the_sex() -> None:
    women = recordings_of("a", {f"w{index}": 7 for index in range(10)}, sex="F")
    men = recordings_of("a", {f"m{index}": 7 for index in range(8)}, sex="M")
    unknown = recordings_of("a", {"x": 7})
    recordings = women + men + unknown
    by_sex = evaluate(recordings, voices(recordings, noise=0.1)).by["sex"]
    trials = {sex: (figures.n_target, figures.n_nontarget) for sex, figures in by_sex.items()}
    assert trials == {"F": (40, 360), "M": (32, 224), "same": (72, 584)}


def test_groups_by_language_hold_the_trials_of_speakers_who_speak_it() -> None:
    recordings = recordings_of("a", TEN, language="en") + recordings_of("a", {"x": 30}, language="de") + recordings_of("a", {"y": 9})
    by_language = evaluate(recordings, voices(recordings, noise=0.1)).by["language"]
    # 30 recordings of the ten, 27 of x and 6 of y are tests; x's 33 impostor trials are too few for figures.
    assert {language: (figures.n_target, figures.n_nontarget) for language, figures in by_language.items()} == {"en": (30, 600)}


def test_failures_are_counted_and_cost() -> None:
    recordings = recordings_of("a", TEN)
    embeddings = voices(recordings, noise=0.1)
    embeddings[[4, 5, 10]] = np.nan
    report = evaluate(recordings, embeddings)
    assert report.failures == 3
    # Three of thirty target trials at the lowest score, where no threshold can accept them.
    assert report.figures.min_dcf == pytest.approx(3 / 30)
    assert report.figures.min_dcf_001 == pytest.approx(3 / 30)


def test_the_interval_surrounds_the_figure_and_narrows_with_more_speakers() -> None:
    few = recordings_of("a", {f"s{index}": 6 for index in range(12)})
    many = recordings_of("a", {f"s{index}": 6 for index in range(96)})
    figures = [evaluate(recordings, voices(recordings, noise=3.0)).figures for recordings in (few, many)]
    widths = []
    for one in figures:
        low, high = one.eer_interval
        assert low <= one.eer <= high
        widths.append(high - low)
    assert 0 < widths[1] < widths[0]


def test_the_interval_is_reproducible() -> None:
    recordings = recordings_of("a", TEN)
    embeddings = voices(recordings, noise=3.0)
    assert evaluate(recordings, embeddings) == evaluate(recordings, embeddings)


def test_a_rarer_target_makes_false_accepts_dearer() -> None:
    recordings = recordings_of("a", {f"s{index}": 6 for index in range(40)})
    figures = evaluate(recordings, voices(recordings, noise=2.0)).figures
    assert 0.0 < figures.min_dcf < figures.min_dcf_001 <= 1.0


def test_calibrated_costs_are_close_to_the_least_possible_ones() -> None:
    recordings = recordings_of("a", {f"s{index}": 6 for index in range(100)})
    figures = evaluate(recordings, voices(recordings, noise=2.0)).figures
    assert figures.act_dcf is not None
    assert figures.min_dcf <= figures.act_dcf < 1.3 * figures.min_dcf
    assert figures.cllr is not None
    # Between what an error rate this low costs at least, and nothing known.
    assert 0.0 < figures.cllr < 1.0


def test_too_few_speakers_are_not_calibrated() -> None:
    recordings = recordings_of("a", {"ann": 13, "bob": 13} | {f"impostor{index}": 3 for index in range(60)})
    figures = evaluate(recordings, voices(recordings, noise=0.1)).figures
    assert (figures.act_dcf, figures.cllr) == (None, None)
    assert figures.eer == 0.0


def test_figures_under_conditions() -> None:
    recordings = recordings_of("a", TEN)
    clean, noisy = voices(recordings, noise=1.0), voices(recordings, noise=4.0)
    report = evaluate(recordings, clean, {Condition("noise", 5.0): noisy, Condition("seconds", 1.0): clean})
    alone = evaluate(recordings, noisy).figures
    heard = report.by["noise"]["5"]
    assert (heard.eer, heard.eer_interval, heard.min_dcf) == (alone.eer, alone.eer_interval, alone.min_dcf)
    assert report.by["seconds"] == {"1": report.figures, "all": report.figures}
    assert report.figures == evaluate(recordings, clean).figures


def test_conditions_are_calibrated_on_recordings_as_they_are() -> None:
    recordings = recordings_of("a", {f"s{index}": 6 for index in range(40)})
    clean, noisy = voices(recordings, noise=1.0), voices(recordings, noise=3.0)
    heard = evaluate(recordings, clean, {Condition("noise", 5.0): noisy}).by["noise"]["5"]
    own = evaluate(recordings, noisy).figures
    assert heard.min_dcf == own.min_dcf
    assert heard.cllr is not None
    assert own.cllr is not None
    # Ratios that promise what clean recordings would hold cost more.
    assert heard.cllr > own.cllr


def test_the_operating_points_of_a_report_are_those_of_the_pooled_trials() -> None:
    recordings = recordings_of("first", TEN) + recordings_of("second", TEN)
    report = evaluate(recordings, voices(recordings, noise=3.0))
    assert 100.0 * report.rates.equal_error_rate() == report.figures.eer_pooled
