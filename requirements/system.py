"""See to the operating system's libraries that WeasyPrint loads, which no Python package brings.

Quiet when all are there. As root on Debian or Ubuntu what is missing is installed; elsewhere the command to type is
named and the exit code is 1.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys

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
MAC = "brew install pango"


def main() -> int:
    """Return 0 when every library loads, after installing what may be installed."""
    packages = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if not packages:
        return 0
    if sys.platform == "darwin":
        return _complain(MAC)
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return _complain("sudo " + " ".join(command))
    print(f"installing {' '.join(packages)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run([*command, "-qq"], check=False, env=environment, capture_output=True).returncode != 0:
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        subprocess.run([*command, "-qq"], check=True, env=environment)
    still = [library for library in LIBRARIES if not _loads(library)]
    return _complain(f"looking for {', '.join(still)}: installed, but not found") if still else 0


def _loads(library: str) -> bool:
    if sys.platform == "darwin":
        library = library.replace(".so.", ".").removesuffix(".0") + ".0.dylib"
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _complain(command: str) -> int:
    print(f"WeasyPrint lacks libraries of the operating system. Please type: {command}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
