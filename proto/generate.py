"""Generate the Python stubs of the API beside its .proto files: `python -m proto.generate`.

Needs the `dev` extra: it pins the generators, so that the stubs are the same bytes everywhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent
"""Import root of the .proto files, which name each other `speakerd/v1/...`."""

# The generators take the import root for a directory on sys.path; ours lies within the package `proto`.
_OWN_IMPORT = re.compile(r"^from (speakerd\.)", re.MULTILINE)


def generate(target: Path) -> list[Path]:
    """Write the stubs of every .proto file below `target`, as in this package; return their paths relative to `target`.

    Raises `RuntimeError` if a generator is missing and `subprocess.CalledProcessError` if a .proto file does not compile;
    nothing is written then.
    """
    sources = sorted(ROOT.rglob("*.proto"))
    services = [source for source in sources if re.search(r"^service ", source.read_text(), re.MULTILINE)]
    with TemporaryDirectory() as directory:
        output = Path(directory)
        _compile(sources, f"--python_out={output}", *_plugin("mypy", output))
        _compile(services, f"--grpc_python_out={output}", *_plugin("mypy_grpc", output))
        return [_publish(stub, output, target) for stub in sorted(output.rglob("*.py*"))]


def _compile(sources: Sequence[Path], *options: str) -> None:
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={ROOT}", *options, *sources], check=True)


def _plugin(name: str, output: Path) -> tuple[str, str]:
    script = shutil.which(f"protoc-gen-{name}", path=sysconfig.get_path("scripts"))
    if script is None:
        raise RuntimeError(f"protoc-gen-{name} is not installed here: run `pip install -e .[dev]`")
    return f"--plugin=protoc-gen-{name}={script}", f"--{name}_out=quiet:{output}"


def _publish(stub: Path, output: Path, target: Path) -> Path:
    relative = stub.relative_to(output)
    destination = target / relative
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_text(_OWN_IMPORT.sub(r"from proto.\1", stub.read_text()))
    return relative


if __name__ == "__main__":
    for path in generate(ROOT):
        print(path)
