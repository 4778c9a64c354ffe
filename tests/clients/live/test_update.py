from __future__ import annotations

from dataclasses import replace

import pytest

from clients.capture_messages import AttemptFollowed, CaptureChange, CaptureState, Level, Locked, SpeakerChanged
from clients.errors import AudioFileError, UnreachableError
from clients.live.model import AskName, Deleted, Ended, Enrolling, EnrollmentFailed, Failed, Known, ListSpeakers
from clients.live.update import NOTICE_SECONDS
from clients.messages import EnrollMode, Evidence, Outcome, Reason, RecordingQuality, RecordingVerdict, SimilarVoice
from clients.subscription import Disconnected, Gap
from tests.clients.live.heard import (
    START,
    after,
    capture,
    changed,
    command,
    decided,
    decision,
    enrolled,
    event,
    level,
    progress,
    started,
    subscribed,
)

ENROLLING = replace(START, dialog=Enrolling("cleo", EnrollMode.CREATE, began=1.0))


def test_levels() -> None:
    state = after(START, level(0.5, -30.0))

    assert (state.at, state.level, len(state.history.columns)) == (0.5, Level(-30.0, -10.0, speech=True), 2)


def test_the_course_of_an_attempt() -> None:
    began = after(START, started(1.2, 1.0))
    running = after(began, decided(1.6, Outcome.UNDECIDED, final=False, ada=1.0, bob=-11.0))
    final = after(running, decided(2.3, ada=7.0, bob=-8.0))

    assert began.speaking == 1.0
    assert (running.running, running.verdict) == (decision(1.6, Outcome.UNDECIDED, final=False, ada=1.0, bob=-11.0), None)
    assert running.ratios == {"ada": 1.0, "bob": -11.0}
    assert (final.speaking, final.running, final.ratios) == (None, None, {"ada": 7.0, "bob": -8.0})
    assert final.verdict
    assert final.verdict.decision.outcome is Outcome.ACCEPT
    assert final.verdict.seconds == pytest.approx(1.3)
    assert len(final.history.marks) == 1


def test_who_speaks_on_is_judged_anew_below_the_verdict() -> None:
    state = after(START, started(1.2, 1.0), decided(2.3, ada=7.0), started(2.4, 2.3))

    assert state.verdict
    assert (state.speaking, state.verdict.decision.speaker, state.ratios) == (2.3, "ada", {"ada": 7.0})


def test_who_is_accepted_is_followed_by_what_they_say_now() -> None:
    accepted = after(START, started(1.2, 1.0), decided(2.3, ada=7.0, bob=-8.0))
    followed = after(accepted, event(2.6, AttemptFollowed(1, decision(2.6, final=False, ada=5.0, bob=-9.0), None)))

    assert accepted.followed == "ada"
    assert (followed.followed, followed.ratios, followed.verdict) == ("ada", {"ada": 5.0, "bob": -9.0}, accepted.verdict)
    assert after(accepted, event(4.0, Locked(1, "ada", Reason.VOICE_LOST))).followed == ""
    assert after(accepted, Disconnected(UnreachableError("gone"), 1.0)).followed == ""


def test_who_takes_over_is_told() -> None:
    accepted = after(START, started(1.2, 1.0), decided(2.3, ada=7.0))
    changed = after(accepted, event(4.0, SpeakerChanged(1, "ada", -3.0, decision(4.0).evidence)))

    assert changed.followed == ""
    assert changed.notice
    assert changed.notice.text == "Somebody else speaks now than ada."
    assert after(changed, started(4.0, 3.5), decided(4.0, bob=6.0)).followed == "bob"


def test_nobody_is_followed_who_is_not_accepted() -> None:
    assert after(START, started(1.2, 1.0), decided(2.3, Outcome.REJECT, ada=-7.0)).followed == ""


def test_an_attempt_whose_start_was_missed_has_no_time() -> None:
    state = after(START, decided(2.3, ada=7.0))

    assert state.verdict
    assert state.verdict.seconds is None


def test_ratios_stay_until_there_are_others() -> None:
    state = after(START, decided(2.0, ada=7.0), decided(3.0, Outcome.UNDECIDED, final=False))

    assert state.ratios == {"ada": 7.0}


def test_after_a_decision_the_speakers_are_listed_anew() -> None:
    assert command(START, decided(2.0, ada=7.0)) == ListSpeakers()
    assert command(START, decided(2.0, final=False, ada=7.0)) is None
    assert after(START, Known(("cleo",))).speakers == ("cleo",)


@pytest.mark.parametrize("change", [CaptureChange.LOST, CaptureChange.STALLED, CaptureChange.FAILED, CaptureChange.STOPPED])
def test_a_lost_microphone_hears_nothing(change: CaptureChange) -> None:
    waiting = capture(CaptureState.WAITING, "unplugged")

    state = after(START, subscribed(), level(1.0), started(1.2, 1.0), changed(1.5, change, waiting))

    assert (state.capture, state.level, state.speaking) == (waiting, None, None)


def test_silence_and_clipping_begin_and_end() -> None:
    silent = after(START, changed(1.0, CaptureChange.SILENCE_STARTED))
    clipping = after(silent, changed(2.0, CaptureChange.SILENCE_ENDED), changed(2.0, CaptureChange.CLIPPING_STARTED))

    assert (silent.silent, silent.clipping) == (True, False)
    assert (clipping.silent, clipping.clipping) == (False, True)
    assert not after(clipping, changed(3.0, CaptureChange.CLIPPING_ENDED)).clipping


def test_a_lost_connection_ends_when_the_subscription_stands_again() -> None:
    error = UnreachableError("nobody answers")

    lost = after(START, level(1.0), Disconnected(error, 0.25))

    assert (lost.error, lost.level, lost.ended) == (error, None, False)
    assert after(lost, Gap(restarted=True), subscribed()).error is None
    assert command(lost, subscribed()) == ListSpeakers()


def test_the_end() -> None:
    error = AudioFileError("broken")

    state = after(ENROLLING, level(1.0), Ended(error))

    assert (state.ended, state.error, state.level, state.dialog) == (True, error, None, None)


def test_an_enrollment_that_comes_to_its_end() -> None:
    going_on = after(ENROLLING, level(2.0, peak=-12.0), level(2.1, peak=-14.0), level(2.2, peak=-1.0, speech=False), progress(1.0, 1.0))

    assert isinstance(going_on.dialog, Enrolling)
    assert (going_on.dialog.peak, going_on.dialog.progress) == (-12.0, progress(1.0, 1.0))
    done = after(going_on, enrolled("cleo"))
    assert done.dialog is None
    assert done.notice
    assert "cleo is enrolled" in done.notice.text
    assert command(going_on, enrolled("cleo")) == ListSpeakers()


def test_what_is_to_be_known_of_an_enrollment_is_told_with_it() -> None:
    good, noisy = (
        RecordingQuality(Evidence(2.0, 20.0, 0.0, 7000.0), None, None, verdict, advice)
        for verdict, advice in ((RecordingVerdict.GOOD, ""), (RecordingVerdict.NOISY, "it is noisy: speak nearer"))
    )
    cleo = enrolled("cleo")

    told = after(ENROLLING, replace(cleo, recordings=(good, noisy))).notice
    assert told
    assert told.text == "cleo is enrolled, but recording 2: it is noisy: speak nearer."
    told = after(ENROLLING, replace(cleo, recordings=(noisy,), similar_voices=(SimilarVoice("eve", 0.5, 0.25),))).notice
    assert told
    assert told.text.startswith("cleo is enrolled, but close to eve: some 25% of the attempts")


def test_an_enrollment_that_is_refused() -> None:
    state = after(ENROLLING, EnrollmentFailed("too noisy"))

    assert state.dialog is None
    assert state.notice
    assert "too noisy" in state.notice.text


def test_late_news_of_an_enrollment_that_was_given_up_change_nothing() -> None:
    asking = replace(START, dialog=AskName("d"))

    assert after(asking, progress(1.0, 1.0), EnrollmentFailed("cancelled")) == asking
    assert after(asking, enrolled("cleo")).dialog == AskName("d")


def test_what_came_of_a_deletion() -> None:
    deleted, failed = after(START, Deleted("ada")), after(START, Failed("the disk is full"))

    assert deleted.notice
    assert failed.notice
    assert "ada is forgotten" in deleted.notice.text
    assert "the disk is full" in failed.notice.text
    assert command(START, Deleted("ada")) == ListSpeakers()


def test_a_notice_goes_after_a_while() -> None:
    noted = after(START, level(1.0), Failed("the disk is full"))

    assert after(noted, level(0.9 + NOTICE_SECONDS)).notice
    assert after(noted, level(1.0 + NOTICE_SECONDS)).notice is None
