"""The plugin, as another project meets it: in pytest runs of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from clients.address import UnixAddress
from clients.scenarios import pytest_plugin
from tests.clients.scenarios.conftest import EXAMPLES

pytest_plugins = ["pytester"]

ALONE = ("-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:xdist")
"""Without the other plugins: what they import and warn of is not ours."""

TEST = f"""
def test_the_door_opens_for_its_owner(speakerd_scenario):
    report = speakerd_scenario("{EXAMPLES / "handover.yaml"}")
    report.assert_passed()
"""
FAILING = f"""
enroll: {{owner: [{EXAMPLES.parents[1] / "voices" / "1-slt" / "1.opus"}]}}
audio: [silence: 1]
expect: [{{decide: ACCEPT, speaker: owner}}]
"""


def use(pytester: pytest.Pytester, daemon: UnixAddress) -> None:
    """Let the inner run use a daemon that runs, as a project may."""
    pytester.makeconftest(f"""
import pathlib, pytest
from clients.address import UnixAddress
from clients.scenarios import pytest_plugin

@pytest.fixture(scope="session")
def speakerd_daemon():
    return UnixAddress(pathlib.Path({str(daemon.socket)!r}))
""")


def test_a_scenario_that_passes(pytester: pytest.Pytester, speakerd_daemon: UnixAddress) -> None:
    use(pytester, speakerd_daemon)
    pytester.makepyfile(TEST)
    pytester.runpytest_inprocess(*ALONE).assert_outcomes(passed=1)


def test_a_scenario_that_fails_is_found_beside_the_test_and_says_why(pytester: pytest.Pytester, speakerd_daemon: UnixAddress) -> None:
    use(pytester, speakerd_daemon)
    inner = pytester.mkdir("inner")
    (inner / "quiet.yaml").write_text(FAILING)
    (inner / "test_quiet.py").write_text("def test_quiet(speakerd_scenario):\n    speakerd_scenario('quiet.yaml').assert_passed()\n")
    result = pytester.runpytest_inprocess(*ALONE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">*speakerd_scenario('quiet.yaml').assert_passed()",
            "E *AssertionError: quiet: 1 of 1 checks failed",
            "E *ACCEPT owner 0.00-1.00 s: nothing was decided then",
            "E *nothing",
        ]
    )
    result.stdout.no_fnmatch_line("*raise AssertionError*")


def test_an_invalid_scenario_says_what_is_wrong(pytester: pytest.Pytester, speakerd_daemon: UnixAddress) -> None:
    use(pytester, speakerd_daemon)
    pytester.path.joinpath("bad.yaml").write_text("audio: [silence: -1]")
    pytester.makepyfile("def test_bad(speakerd_scenario):\n    speakerd_scenario('bad.yaml')\n")
    result = pytester.runpytest_inprocess(*ALONE)
    result.stdout.fnmatch_lines(["E *bad.yaml is invalid:", "E *line 1: audio?0?.silence: -1 is out of range: *"])


def test_in_a_process_and_with_a_daemon_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
import pytest

@pytest.fixture(scope="session")
def speakerd_config():
    return "decision: {false_accept_rate: 1.0e-30}"
""")
    pytester.makepyfile(f"""
import pytest

def test_nobody_is_good_enough_for_these_settings(speakerd_scenario, speakerd_daemon):
    assert speakerd_daemon.socket.exists()
    with pytest.raises(AssertionError, match="ACCEPT owner during owner"):
        speakerd_scenario({str(EXAMPLES / "handover.yaml")!r}).assert_passed()
""")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *ALONE, "-W", "error"],
        cwd=pytester.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_run_that_does_not_use_it_imports_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
import sys

def test_nothing_is_imported(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("speakerd")
    assert not {"grpc", "numpy", "pydantic", "soundfile"} & sys.modules.keys()
""")
    pytester.runpytest_subprocess(*ALONE).assert_outcomes(passed=1)


def test_its_fixtures_explain_themselves(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*ALONE, "--fixtures")
    result.stdout.fnmatch_lines(["speakerd_daemon ?session scope?*", "*Address of a daemon*", "speakerd_scenario*", "*Play a scenario*"])


def test_our_own_tests_use_it_as_it_is_here(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.get_plugin("speakerd") is pytest_plugin
