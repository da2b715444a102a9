"""See to what has to come from the operating system: what no Python package brings.

Without arguments the libraries that WeasyPrint loads; with `model` also the programs that the protocol's model needs.
Quiet when all are there. As root on Debian or Ubuntu what is missing is installed; elsewhere the command to type is
named and the exit code is 1.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What WeasyPrint opens by these names, and the Debian package that has it. harfbuzz-subset is optional to it, but
# makes a PDF several times faster.
LIBRARIES = {
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz.so.0": "libharfbuzz0b",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
    "libfontconfig.so.1": "libfontconfig1",
}
# The model checker, and the compiler with the headers for the verifier that it writes.
PROGRAMS = {"spin": "spin", "gcc": "gcc"}
HEADERS = {"stdio.h": "libc6-dev"}
MAC = "brew install pango"
MAC_MODEL = "brew install spin"


def main(arguments: list[str]) -> int:
    """Return 0 when everything is there, after installing what may be installed."""
    failed = _see_to("WeasyPrint lacks libraries", LIBRARIES, _loads, MAC)
    if "model" in arguments:
        failed |= _see_to("The model lacks programs", PROGRAMS | HEADERS, _runs, MAC_MODEL)
    return int(failed)


def _see_to(complaint: str, wanted: dict[str, str], there: Callable[[str], bool], mac: str) -> bool:
    """Say whether something is still missing after installing what may be installed."""
    packages = [package for name, package in wanted.items() if not there(name)]
    if not packages:
        return False
    if sys.platform == "darwin":
        return _complain(complaint, mac)
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return _complain(complaint, "sudo " + " ".join(command))
    print(f"installing {' '.join(packages)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run([*command, "-qq"], check=False, env=environment, capture_output=True).returncode != 0:
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        subprocess.run([*command, "-qq"], check=True, env=environment)
    still = [name for name in wanted if not there(name)]
    return bool(still) and _complain(complaint, f"looking for {', '.join(still)}: installed, but not found")


def _loads(library: str) -> bool:
    if sys.platform == "darwin":
        library = library.replace(".so.", ".").removesuffix(".0") + ".0.dylib"
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _runs(name: str) -> bool:
    if not name.endswith(".h"):
        return shutil.which(name) is not None
    compiler = shutil.which("gcc")
    command = [compiler or "false", "-E", "-include", name, "-x", "c", os.devnull]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _complain(complaint: str, command: str) -> bool:
    print(f"{complaint} of the operating system. Please type: {command}", file=sys.stderr)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
