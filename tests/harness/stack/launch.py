"""Become another program, as another user if told, that ends when the parent ends. Run as a script by children.py.

    launch.py <parent's pid> <signal at the parent's death> <uid or -> <gid or -> <program> [argument…]

It stands between fork and exec, where Python code of a process with threads must not run.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Drop the user, tie this process to its parent, exec."""
    parent, death, uid, gid, *command = arguments
    tie = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # After setuid, which clears it.
    if tie is not None and tie(_PR_SET_PDEATHSIG, int(death), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != int(parent):
        sys.exit("the parent has gone already")
    os.execv(command[0], command)  # noqa: S606 - to become the program is what this is for


if __name__ == "__main__":
    main(sys.argv[1:])
