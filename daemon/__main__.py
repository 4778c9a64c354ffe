"""The command `speakerd`: runs the daemon, and what belongs to its operator."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from daemon.calibrating.options import Asked as AskedCalibration
from daemon.calibrating.options import calibration_options, with_model
from daemon.capture.microphones import find_devices
from daemon.config import APP, Config
from daemon.config_file import load_config
from daemon.decision import boundaries
from daemon.errors import ModelError, SpeakerdError
from daemon.evaluation.options import Asked, evaluation_options
from daemon.hearing.detectors import voice_detector
from daemon.hearing.listener import STEP_FRAMES
from daemon.log import configure
from daemon.server.address import claimed
from daemon.server.lifecycle import serve
from daemon.server.status import daemon_version
from daemon.speakers import Speaker
from daemon.store.voiceprints import DATABASE, VoiceprintStore
from models.backends import load_encoder
from models.calibration.calibration import Calibration, calibration_path, read_calibration
from models.encoder import Encoder
from models.weights import ModelFileError, read_card

_FILE: Final = click.Path(dir_okay=False, resolve_path=True, path_type=Path)
_config_option = click.option("--config", "file", type=_FILE, help="Settings, as in config.yaml. [default: the built-in ones]")
_directory_option = click.option(
    "--data-dir", type=click.Path(file_okay=False, resolve_path=True, path_type=Path), help="Where voiceprints are kept."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(daemon_version(), prog_name=APP)
def speakerd() -> None:
    """Verify who speaks, for programs that stream audio to it over gRPC."""


@speakerd.command("serve")
@_config_option
@click.option("--socket", type=_FILE, envvar="SPEAKERD_SOCKET", help="Where to listen. [env: SPEAKERD_SOCKET]")
@_directory_option
@click.option("--attached", is_flag=True, help="Stop when standard input ends: for a program that starts a daemon of its own.")
def serve_command(file: Path | None, socket: Path | None, data_dir: Path | None, *, attached: bool) -> None:
    """Run the daemon until it is told to stop (SIGTERM, SIGINT)."""
    config = _settings(file, socket, data_dir)
    configure(config.log)
    with claimed(config.server.socket_path):
        encoder = _encoder(config)
        calibration = _calibration(config, encoder)
        _load_detector(config)
        with closing(_store(config)) as store:
            asyncio.run(serve(config, encoder, calibration, store, attached=attached))


@speakerd.command("check")
@_config_option
@_directory_option
def check_command(file: Path | None, data_dir: Path | None) -> None:
    """Tell whether the daemon could start: its settings, its model, its voiceprints and its microphones. Changes nothing."""
    config = _settings(file, None, data_dir)
    encoder = _encoder(config)
    calibration = _calibration(config, encoder)
    _load_detector(config)
    enrolled = _enrolled(config)
    click.echo(f"settings     {file or 'built-in'}: valid")
    click.echo(f"model        {encoder.model_id} on {config.model.backend}")
    click.echo(f"voiceprints  {config.storage.data_directory / DATABASE}: {_speakers(enrolled, encoder.model_id)}")
    click.echo(f"decisions    {_decisions(config, calibration, enrolled)}")
    for name, device in asyncio.run(find_devices(config.captures)).items():
        click.echo(f"capture      {name}: {device}")
    click.echo(f"socket       {config.server.socket_path}")


@speakerd.command("evaluate-decisions")
@_config_option
@evaluation_options
def evaluate_decisions_command(file: Path | None, **asked: Any) -> None:  # noqa: ANN401 - the options are those of `Asked`
    """Measure decisions on recordings: errors per attempt against the targets, seconds of speech, changes of speaker, false alarms.

    Within each corpus of the manifest, speakers with four recordings or more are enrolled with their first three; all other recordings
    are attempts at the voice of each of them, and at anybody's.
    """
    # Imported here because the daemon does without it.
    from daemon.evaluation.command import evaluate  # noqa: PLC0415

    config = load_config(file)
    evaluate(Asked(**asked), config, partial(_encoder, config), _calibration(config, _encoder(config)))


@speakerd.command("calibrate")
@_config_option
@calibration_options
def calibrate_command(file: Path | None, **asked: Any) -> None:  # noqa: ANN401 - the options are those of its `Asked`
    """Fit what scores are worth, and the boundaries of decisions, to recordings; `decision.calibration` names the file that is made.

    Within each corpus of the manifest, speakers with two recordings or more are enrolled with up to three of them; the others and all
    other speakers are attempts. They are heard as the daemon would, with the speech detector that the settings name.
    """
    # Imported here because the daemon does without it.
    from daemon.calibrating.calibrate import calibrate  # noqa: PLC0415

    config = with_model(load_config(file), asked["model"])
    for line in calibrate(AskedCalibration(**asked), config, _encoder(config)):
        click.echo(line)


def main() -> None:
    """Run the command line; an error ends it with its sentence and exit code 1."""
    try:
        speakerd(prog_name=APP)
    except SpeakerdError as error:
        sys.exit(f"{APP}: {error}")


def _settings(file: Path | None, socket: Path | None, data_dir: Path | None) -> Config:
    config = load_config(file)
    server = config.server.model_copy(update={"socket": socket} if socket else {})
    storage = config.storage.model_copy(update={"directory": data_dir} if data_dir else {})
    return config.model_copy(update={"server": server, "storage": storage})


def _encoder(config: Config) -> Encoder:
    try:
        encoder = load_encoder(config.model.name, config.model.backend, config.model.threads)
    except ModelFileError as error:
        raise ModelError(f"the model cannot be loaded: {error}") from None
    except ImportError as error:
        raise ModelError(f"model.backend {config.model.backend} is not installed ({error}): install the extra `train`") from None
    if encoder.step_frames != STEP_FRAMES:
        raise ModelError(f"the model {config.model.name} takes {encoder.step_frames} frames per step; the daemon gives {STEP_FRAMES}")
    return encoder


def _load_detector(config: Config) -> None:
    """Load what detects voices before the first stream needs it."""
    try:
        voice_detector(config.vad)
    except ModelFileError as error:
        raise ModelError(f"the detector of voices cannot be loaded: {error}") from None


def _store(config: Config) -> VoiceprintStore:
    return VoiceprintStore(config.storage.data_directory, config.storage.key_path, config.limits)


def _calibration(config: Config, encoder: Encoder) -> Calibration:
    try:
        return read_calibration(config.decision.calibration or calibration_path(read_card(config.model.name)), encoder.model_id)
    except ModelFileError as error:
        remedy = "" if "speakerd calibrate" in str(error) else "; make another with `speakerd calibrate`"
        raise ModelError(f"the calibration cannot be used: {error}{remedy}") from None


def _decisions(config: Config, calibration: Calibration, enrolled: Sequence[Speaker] | None) -> str:
    decision, voices = config.decision, len(enrolled or ())
    accept, reject = boundaries(decision, calibration, voices)
    targets = f"{decision.false_accept_rate:.3%} false accepts and {decision.false_reject_rate:.3%} false rejects per attempt"
    among = "against one voice" if voices <= 1 else f"among {voices} voices"
    return f"{targets}: accept from an LLR of {accept:+.2f} on, reject up to {reject:+.2f}, {among}"


def _enrolled(config: Config) -> Sequence[Speaker] | None:
    """Return who is enrolled, None if there is no database yet."""
    if not (config.storage.data_directory / DATABASE).exists():
        return None
    with closing(_store(config)) as store:
        return store.speakers()


def _speakers(enrolled: Sequence[Speaker] | None, model_id: str) -> str:
    if enrolled is None:
        return "to be made at the first start"
    stale = [speaker.name for speaker in enrolled if speaker.model_id != model_id]
    count = f"{len(enrolled)} enrolled"
    return f"{count}; made by another model, to be enrolled again: {', '.join(stale)}" if stale else count


if __name__ == "__main__":
    main()
