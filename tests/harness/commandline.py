"""What the programs behind `make` say of what they cannot take: a sentence, in the words that were typed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the answer to a name that nothing has: all that there are."""
    return "\n  ".join([f"nothing is called '{name}'; known are:", *dict.fromkeys(known)])


class Parser(argparse.ArgumentParser):
    """Reads what `make` passes on from its variables."""

    def whole_number(self, variable: str, *, least: int = 1) -> Callable[[str], int]:
        """Return the type of an option that stands for `variable`: a whole number, not below `least`.

        Anything else ends the program with 2 and one sentence, without the usage of options that `make` does not have.
        """

        def read(word: str) -> int:
            digits = word.removeprefix("-")
            if not digits.isdecimal() or int(word) < least:
                self.exit(2, f"{variable} is to be a whole number, {least} or more, not '{word}'\n")
            return int(word)

        return read
