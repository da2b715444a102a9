"""Print a token: `python -m harness.tokens anna`, or `make token WHO=anna`.

The development issuer's key is that of `make up`, before and after as well as while it runs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.people import CAST
from harness.system import AUDIENCE
from harness.up import Place
from reviewbus.auth import DevelopmentIssuer

if TYPE_CHECKING:
    from collections.abc import Sequence

ROLES = {"hr_admin", "hr_assistant"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a token for one person, with the roles that are given or else those that the person has."""
    names = {one.name.split()[0].lower(): one for one in CAST}
    parser = argparse.ArgumentParser(description="Print a token that the system started by `make up` accepts.")
    parser.add_argument("who", nargs="?", help=f"a person id, or one of: {', '.join(names)}")
    parser.add_argument("roles", nargs="*", help="hr_admin, hr_assistant; without any, those that the person has")
    parser.add_argument("--var", type=Path, default=Path("var"), help="the folder that was given to `up`")
    chosen = parser.parse_args(arguments)
    if chosen.who is None:
        print(f'Say for whom: make token WHO="<person> [role…]", where a person is an id or {", ".join(names)}.')
        return 2
    if strange := sorted(set(chosen.roles) - ROLES):
        print(f"There is no role {', '.join(strange)}: name {', '.join(sorted(ROLES))}, or none.")
        return 2
    known = names.get(chosen.who) or next((one for one in CAST if one.id == chosen.who), None)
    roles = chosen.roles or (known.roles if known else ())
    issuer = DevelopmentIssuer(Place(chosen.var).issuer, AUDIENCE)
    print(issuer.token(known.id if known else chosen.who, roles))
    return 0


if __name__ == "__main__":
    sys.exit(main())
