"""What is searched: the model with one set of bounds each. The features are too many for one run together."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One search that must find nothing. `bounds` override those of bounds.pml.

    `always`: part of every run; the others run with `--all`. `cycles`: look for runs that never end, not for states.
    """

    name: str
    about: str
    bounds: dict[str, int] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    always: bool = True
    cycles: bool = False

    @property
    def defines(self) -> tuple[str, ...]:
        """What the model is translated with."""
        return (*(f"{name}={value}" for name, value in self.bounds.items()), *self.flags)


# Nothing but what a release needs, in which most mistakes show.
BARE = {"REOPENINGS": 0, "RATINGS": 0, "SENDINGS": 0, "SIGNATURES": 0}

CONFIGURATIONS = (
    Configuration(
        name="base",
        about="edits, reopening, unsharing, reassigning, rating, both ways to release, unrelease in flight, a signer",
        bounds={"REASSIGNMENTS": 1, "SELF_VERSIONS": 2, "UNSHARINGS": 1},
    ),
    Configuration(
        name="versions",
        about="a third version with the first one's text: hashes come again",
        bounds={"VERSIONS": 3, "RATINGS": 2, "REOPENINGS": 0},
    ),
    Configuration(
        name="epochs",
        about="three attempts to release",
        bounds={"EPOCHS": 3, "SENDINGS": 0, "REOPENINGS": 0},
    ),
    Configuration(
        name="registers",
        about="all four registers: both signers, and the completion, by itself and by HR",
        bounds={"SIGNERS": 2, "COMPLETIONS": 2, "SIGNATURES": 1, "REOPENINGS": 0, "SENDINGS": 0, "RATINGS": 0},
    ),
    Configuration(
        name="self-side",
        about="the self-assessment shared, unshared, shared anew, waived, the waiver withdrawn",
        bounds={
            "SELF_VERSIONS": 2,
            "UNSHARINGS": 1,
            "WAIVERS": 1,
            "BEGINS_SHARED": 0,
            "REOPENINGS": 0,
            "RATINGS": 0,
            "SENDINGS": 0,
        },
    ),
    Configuration(
        name="manager-signs",
        about="both signers while the manager of record changes",
        bounds={**BARE, "SIGNERS": 2, "SIGNATURES": 1, "REASSIGNMENTS": 1},
    ),
    Configuration(
        name="packet",
        about="what a packet is made of: calibration stale, confirmed, overridden; shared questions changed, none",
        bounds={"SELECTIONS": 2, "CALIBRATIONS": 1, "SIGNATURES": 0, "SENDINGS": 1},
    ),
    Configuration(
        name="endings",
        about="the cycle is closed, the review cancelled, with both signers and a completion",
        bounds={**BARE, "CLOSINGS": 1, "CANCELLATIONS": 1, "SIGNERS": 2, "SIGNATURES": 1, "COMPLETIONS": 1},
    ),
    Configuration(
        name="forgets",
        about="the broker forgets everything, once; reconciler, repeated answers, facts compared with rows",
        bounds={"FORGETTING": 1, "SIGNATURES": 1, "SENDINGS": 0, "RATINGS": 0, "REOPENINGS": 1},
    ),
    Configuration(
        name="restored",
        about="packets goes back to an earlier row; quarantine and jump; edits",
        bounds={**BARE, "RESTORES": 1},
    ),
    Configuration(
        name="restored-signed",
        about="the same under a signature",
        bounds={**BARE, "RESTORES": 1, "SIGNATURES": 1},
    ),
    Configuration(
        name="signing-restored",
        about="signing goes back to an earlier row, once assessment has read all commands; lost signatures",
        bounds={**BARE, "SIGNING_RESTORES": 1, "SIGNATURES": 1},
    ),
    Configuration(
        name="sweep",
        about="the audit sweep reads, other things happen, it acts",
        bounds={**BARE, "SWEEPS": 1},
    ),
    Configuration(
        name="mail",
        about="the mail that a packet is released: two postmen, a crash, a server that says later",
        bounds={**BARE, "MAILS": 1},
    ),
    Configuration(
        name="keeps-all",
        about="nothing is tidied away: every message ever sent may come at any time",
        bounds={"SENDINGS": 0, "REOPENINGS": 0, "RATINGS": 1},
        flags=("KEEP_ALL",),
    ),
    Configuration(
        name="rests",
        about="no run goes on for ever, the broker forgetting",
        bounds={**BARE, "FORGETTING": 1, "SIGNATURES": 1},
        cycles=True,
    ),
    Configuration(
        name="epochs-wide",
        about="three attempts to release, with reopening and sending",
        bounds={"EPOCHS": 3, "VERSIONS": 3},
        always=False,
    ),
    Configuration(
        name="registers-wide",
        about="all four registers, with a rating that changes and a self-assessment that is shared late",
        bounds={
            "SIGNERS": 2,
            "COMPLETIONS": 2,
            "SIGNATURES": 1,
            "REOPENINGS": 0,
            "SENDINGS": 0,
            "BEGINS_SHARED": 0,
            "VERSIONS": 1,
        },
        always=False,
    ),
    Configuration(
        name="forgets-each",
        about="each topic is forgotten at its own time",
        bounds={**BARE, "FORGETTING": 3, "SIGNATURES": 1},
        always=False,
    ),
    Configuration(
        name="restored-wide",
        about="packets restored, with rating, sending and reopening",
        bounds={"RESTORES": 1, "SIGNATURES": 0},
        always=False,
    ),
    Configuration(
        name="sweep-wide",
        about="two rounds of the sweep, under a signature",
        bounds={**BARE, "SWEEPS": 2, "SIGNATURES": 1},
        always=False,
    ),
    Configuration(
        name="mail-wide",
        about="the mail, with two crashes, a server that says later twice, and a manager who releases",
        bounds={**BARE, "MAILS": 1, "CRASHES": 2, "SMTP_FAILURES": 2, "SENDINGS": 1},
        always=False,
    ),
    Configuration(
        name="rests-wide",
        about="no run goes on for ever, with a completion, the broker forgetting",
        bounds={**BARE, "FORGETTING": 1, "SIGNATURES": 1, "COMPLETIONS": 1},
        always=False,
        cycles=True,
    ),
)
