"""Mistakes that the model must catch: each is one `#ifdef` in docs/model, searched in a small configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.configurations import BARE

# Mistakes that listen to what is out of date need it kept.
KEEPS = ("KEEP_ALL",)
# The fences themselves are watched; this shows what else breaks without that.
UNWATCHED = ("KEEP_ALL", "UNWATCHED_S6")
SHOWN = ("KEEP_ALL", "ONLY_SHOWN")
AT_REST = ("KEEP_ALL", "ONLY_REST")
NOT_WATCHED = {"UNWATCHED_S6": "without S6", "ONLY_SHOWN": "S1 to S3 alone", "ONLY_REST": "at rest alone"}

SIGNED = {**BARE, "SIGNATURES": 1}
TWICE_SIGNED = {**BARE, "SIGNATURES": 2, "VERSIONS": 1}
EDITED = {**BARE, "REOPENINGS": 1}
SENT = {**BARE, "SENDINGS": 1, "REASSIGNMENTS": 1, "VERSIONS": 1}
RERATED = {**BARE, "SIGNATURES": 1, "RATINGS": 1, "VERSIONS": 1}
SELF = {**BARE, "SIGNATURES": 1, "VERSIONS": 1, "SELF_VERSIONS": 2, "UNSHARINGS": 1}
WAIVING = {**BARE, "SIGNATURES": 1, "VERSIONS": 1, "WAIVERS": 1, "BEGINS_SHARED": 0}
COMPLETING = {**BARE, "SIGNATURES": 1, "VERSIONS": 1, "COMPLETIONS": 1}
BOTH_SIGN = {**BARE, "SIGNERS": 2, "SIGNATURES": 1, "REASSIGNMENTS": 1, "VERSIONS": 1}
CALIBRATED = {**BARE, "CALIBRATIONS": 1, "RATINGS": 1}
SELECTED = {**BARE, "SELECTIONS": 1, "VERSIONS": 1}
CLOSED = {**BARE, "CLOSINGS": 1, "VERSIONS": 1}
CANCELLED = {**BARE, "CANCELLATIONS": 1, "VERSIONS": 1}
FORGETS = {**BARE, "FORGETTING": 1}
RESTORED = {**BARE, "RESTORES": 1}
SIGNING_RESTORED = {**BARE, "SIGNING_RESTORES": 1, "SIGNATURES": 1, "VERSIONS": 1}
SWEPT = {**BARE, "SWEEPS": 1, "VERSIONS": 1}
MAILED = {**BARE, "MAILS": 1, "VERSIONS": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A wrong protocol. `about` says what is done instead; `equivalent`: why it is none after all, if so."""

    name: str
    about: str
    bounds: dict[str, int] = field(default_factory=lambda: dict(BARE))
    flags: tuple[str, ...] = ()
    equivalent: str | None = None

    @property
    def title(self) -> str:
        """Its name, and what is not watched."""
        words = [words for flag, words in NOT_WATCHED.items() if flag in self.flags]
        return f"{self.name}, {words[0]}" if words else self.name

    @property
    def defines(self) -> tuple[str, ...]:
        """What the model is translated with."""
        return (*(f"{name}={value}" for name, value in self.bounds.items()), self.name, *self.flags)


FENCES = (
    Mistake(name="NO_FENCE", about="fences are not compared", flags=KEEPS),
    Mistake(name="NO_FENCE", about="the same", flags=UNWATCHED),
    Mistake(
        name="FENCE_AT_LEAST",
        about="the fence is compared with >= instead of >: a repeat is decided again",
        flags=KEEPS,
    ),
    Mistake(name="FENCE_AT_LEAST", about="the same", flags=UNWATCHED, bounds=SIGNED),
    Mistake(name="REJECTION_FORGOTTEN", about="a rejection leaves the fence: the repeat is decided anew", flags=KEEPS),
    Mistake(name="REJECTION_FORGOTTEN", about="the same", flags=UNWATCHED, bounds=RERATED),
    Mistake(
        name="FREE_OF_NOTHING_LEAVES_NO_FENCE", about="an UNLOCK that finds nothing held leaves the fence", flags=KEEPS
    ),
    Mistake(name="FREE_OF_NOTHING_LEAVES_NO_FENCE", about="the same", flags=UNWATCHED),
)
GRANTS = (
    Mistake(name="LOCK_IGNORES_VERSION", about="LOCK does not pin the manager version"),
    Mistake(name="LOCK_IGNORES_SUBMISSION", about="LOCK is granted on a reopened draft", bounds=EDITED),
    Mistake(name="LOCK_IGNORES_MANAGER", about="LOCK does not pin the manager who released", bounds=SENT),
    Mistake(name="LOCK_IGNORES_OTHER_SNAPSHOTS", about="LOCK is granted over another signed snapshot", bounds=RERATED),
    Mistake(name="LOCK_IGNORES_CANCELLED", about="LOCK is granted on a cancelled review", bounds=CANCELLED),
    Mistake(name="HOLD_IGNORES_CLOSED", about="a hold is granted in a closed cycle", bounds=CLOSED),
    Mistake(name="UNLOCK_REFUSED_WHEN_CLOSED", about="a closed cycle refuses UNLOCK too", bounds=CLOSED),
    Mistake(name="SIGN_HOLD_IGNORES_RELEASE", about="SIGN_HOLD asks for no release", bounds=RERATED),
    Mistake(name="SIGN_HOLD_IGNORES_SELF_VERSION", about="SIGN_HOLD does not pin the self version", bounds=SELF),
    Mistake(name="SIGN_HOLD_IGNORES_SHARING", about="SIGN_HOLD is granted on an unshared self-assessment", bounds=SELF),
    Mistake(
        name="SIGN_HOLD_IGNORES_COMPLETION",
        about="SIGN_HOLD is granted while the completion is held",
        bounds={**COMPLETING, "COMPLETIONS": 2},
    ),
    Mistake(name="SIGN_HOLD_IGNORES_MANAGER", about="SIGN_HOLD does not pin the manager who signs", bounds=BOTH_SIGN),
)
EDITS = (
    Mistake(name="EDIT_IGNORES_RELEASE", about="the manager side may be edited under a release"),
    Mistake(name="EDIT_IGNORES_SIGNATURES", about="the manager side may be edited under a signature", bounds=SIGNED),
    Mistake(name="REOPEN_IGNORES_RELEASE", about="HR may reopen under a release", bounds=EDITED),
    Mistake(name="REASSIGN_IGNORES_HOLDS", about="the manager of record may change under a hold", bounds=SENT),
    Mistake(name="UNSHARE_IGNORES_RELEASE", about="the self-assessment may be unshared under a release", bounds=SELF),
    Mistake(name="UNSHARE_IGNORES_SIGNATURES", about="it may be unshared under a signature", bounds=SELF),
    Mistake(
        name="SHARE_IGNORES_SIGNATURES",
        about="a draft may be shared under a signature or completion",
        bounds={**COMPLETING, "COMPLETIONS": 2, "BEGINS_SHARED": 0},
    ),
    Mistake(name="UNWAIVE_IGNORES_SIGNATURES", about="the waiver may be withdrawn under a signature", bounds=WAIVING),
    Mistake(
        name="WAIVE_IGNORES_SIGNATURES",
        about="the self stage may be waived under a completion",
        bounds={**WAIVING, "COMPLETIONS": 2},
    ),
    Mistake(name="CANCEL_IGNORES_HOLDS", about="the review may be cancelled under a hold", bounds=CANCELLED),
)
PACKETS = (
    Mistake(name="SHOWS_BEFORE_GRANTED", about="shown when asked for, not when granted"),
    Mistake(name="UNLOCKS_BEFORE_HIDING", about="hidden when unlocked, not before"),
    Mistake(name="UNRELEASE_IN_FLIGHT_ONLY_FORGETS", about="an unrelease in flight sends no UNLOCK"),
    Mistake(name="UNRELEASE_IN_FLIGHT_ONLY_FORGETS", about="the same", flags=AT_REST),
    Mistake(name="PACKETS_IGNORES_GRANTED", about="packets does not handle `granted`"),
    Mistake(name="PACKETS_IGNORES_REJECTED", about="packets does not handle `rejected`"),
    Mistake(name="PACKETS_IGNORES_FREED", about="packets does not handle `released` of the register"),
    Mistake(name="GRANTED_OF_ANY_EPOCH", about="packets takes the grant of an earlier epoch", flags=KEEPS),
    Mistake(name="FREED_OF_ANY_EPOCH", about="packets takes the freeing of an earlier epoch", flags=KEEPS),
    Mistake(
        name="REJECTED_RESTORES_ORIGIN", about="an answer restores the state that was stored when asking", bounds=EDITED
    ),
    Mistake(name="COMES_BACK_READY", about="readiness is not judged anew on the way back", bounds=EDITED),
    Mistake(name="CHANGES_WHILE_RELEASING", about="the rating may be changed while releasing", bounds=CALIBRATED),
    Mistake(
        name="REBINDS_WHILE_RELEASING", about="a new selection reaches a packet that is releasing", bounds=SELECTED
    ),
    Mistake(name="REBINDS_WHILE_RELEASED", about="a new selection reaches a released packet", bounds=SELECTED),
    Mistake(
        name="CONTENT_CHANGE_KEEPS_CALIBRATION", about="new content leaves the review calibrated", bounds=CALIBRATED
    ),
)
SIGNING = (
    Mistake(name="SIGNED_BEFORE_GRANTED", about="the signature counts when asked for, not when granted", bounds=SIGNED),
    Mistake(name="UNHOLD_BEFORE_REVOKING", about="the register is freed before the signature is none", bounds=SIGNED),
    Mistake(
        name="REVOKE_IN_FLIGHT_ONLY_FORGETS", about="revoking a signature on its way sends no UNHOLD", bounds=SIGNED
    ),
    Mistake(name="SIGNING_IGNORES_GRANTED", about="signing does not handle `granted`", bounds=SIGNED),
    Mistake(name="SIGNING_IGNORES_REJECTED", about="signing does not handle `rejected`", bounds=SIGNED),
    Mistake(name="SIGNING_IGNORES_FREED", about="signing does not handle `released`", bounds=SIGNED),
    Mistake(
        name="SIGN_GRANTED_OF_ANY_TRY",
        about="signing takes the grant of an earlier attempt",
        bounds=TWICE_SIGNED,
        flags=KEEPS,
    ),
    Mistake(name="WISH_SKIPS_PENDING", about="the wish to revoke skips signatures on their way", bounds=SIGNED),
    Mistake(
        name="WISH_SKIPS_COMPLETION",
        about="the wish to revoke skips the completion",
        bounds={**COMPLETING, "COMPLETIONS": 2},
    ),
    Mistake(
        name="WISH_BINDS_KNOWN_EPOCH_ONLY",
        about="a wish that comes after a newer release is dropped",
        bounds={**SIGNED, "VERSIONS": 1},
    ),
    Mistake(name="REVOKE_KEEPS_COMPLETION", about="a revocation leaves the completion", bounds=COMPLETING),
    Mistake(
        name="COMPLETES_ON_GRANTED_ONLY",
        about="the completion starts at the moment of the last grant, or never",
        bounds=COMPLETING,
    ),
)
UPKEEP = (
    Mistake(name="NO_RECONCILER", about="a waiting row does not ask again", bounds=FORGETS),
    Mistake(name="REPEATS_STAY_UNANSWERED", about="a repeated command is not answered again", bounds=FORGETS),
    Mistake(
        name="NO_FACT_SWEEP",
        about="signing does not compare itself with packets' rows",
        bounds={**FORGETS, "SIGNATURES": 1, "VERSIONS": 1},
    ),
    Mistake(
        name="NO_PROJECTION_SWEEP",
        about="packets does not compare itself with assessment's rows",
        bounds=FORGETS | {"REOPENINGS": 1},
    ),
    Mistake(
        name="QUARANTINE_DOES_NOT_JUMP", about="a restored epoch only catches up with the register", bounds=RESTORED
    ),
    Mistake(name="QUARANTINE_DOES_NOT_JUMP", about="the same", bounds=RESTORED, flags=SHOWN),
    Mistake(
        name="QUARANTINE_COMPARES_ONLY",
        about="restored rows are compared with the register, and believed",
        bounds=RESTORED,
    ),
    Mistake(
        name="QUARANTINE_KEEPS_RELEASED",
        about="a restored row that agrees with the register stays released",
        bounds=RESTORED,
    ),
    Mistake(
        name="QUARANTINE_SKIPS_WHAT_IS_FREE", about="a restored row under a free register is not moved", bounds=RESTORED
    ),
    Mistake(
        name="SIGNING_RESTORED_BEFORE_COMMANDS_ARE_READ",
        about="signing is restored while commands of it are in flight",
        bounds=SIGNING_RESTORED,
    ),
    Mistake(
        name="SIGNING_RESTORED_IS_BELIEVED",
        about="a restored signature stands whatever its register says",
        bounds=SIGNING_RESTORED,
    ),
    Mistake(name="SWEEP_FREES_WHATEVER_IS_HELD", about="the sweep frees a register by what it saw", bounds=SWEPT),
    Mistake(name="SWEEP_FREES_WHATEVER_IS_HELD", about="the same", bounds=SWEPT, flags=SHOWN),
    Mistake(name="SWEEP_IGNORES_MOVED_ROWS", about="the sweep acts though the row has moved", bounds=SWEPT),
    Mistake(name="SWEEP_READS_REGISTER_FIRST", about="the sweep reads the register before its own row", bounds=SWEPT),
    Mistake(name="SWEEP_LOWERS_EPOCH", about="it takes the register's epoch, which may be lower by now", bounds=SWEPT),
)
MAIL = (
    Mistake(name="MAIL_DOES_NOT_ASK", about="the mail goes out unasked", bounds=MAILED),
    Mistake(name="MAIL_ASKS_WITHOUT_EPOCH", about="asked is whether it is released, not in which epoch", bounds=MAILED),
    Mistake(
        name="MAIL_TRIES_AGAIN_WITHOUT_ASKING", about="a second attempt relies on the first one's answer", bounds=MAILED
    ),
    Mistake(name="MAIL_BEGINS_UNNOTED", about="an attempt begins without being written down", bounds=MAILED),
    Mistake(name="MAIL_AGAIN_AFTER_CRASH", about="an attempt without a known end is made again", bounds=MAILED),
    Mistake(name="MAIL_IS_QUEUED_BY_EVERY_FACT", about="a repeated fact calls for another mail", bounds=MAILED),
    Mistake(name="MAIL_KEY_WITHOUT_EPOCH", about="the epoch is not part of the mail's key", bounds=MAILED),
)
EQUIVALENT = (
    Mistake(
        name="SIGN_HOLD_IGNORES_EPOCH",
        about="SIGN_HOLD compares the release by its snapshot hash alone",
        bounds={**TWICE_SIGNED, "RATINGS": 1, "VERSIONS": 2},
        equivalent="the same hash is the same content, whatever the epoch: what is signed is what is shown",
    ),
    Mistake(
        name="SIGN_HOLD_IGNORES_SNAPSHOT",
        about="SIGN_HOLD compares the release by its epoch alone",
        bounds={**TWICE_SIGNED, "RATINGS": 1, "VERSIONS": 2},
        equivalent="an epoch is one attempt and has one snapshot; a second would take a reused epoch",
    ),
    Mistake(
        name="SUBMIT_IGNORES_HOLDS",
        about="a reopened draft may be submitted under a hold",
        bounds={**BARE, "SIGNATURES": 1, "COMPLETIONS": 1, "REOPENINGS": 1},
        equivalent="nothing is ever held over a draft: LOCK wants what is submitted, and reopening wants nothing held",
    ),
    Mistake(
        name="SIGNING_RESTORED_WITHOUT_JUMP",
        about="restored attempts are numbered on from the register's fence, not past it by the jump",
        bounds=SIGNING_RESTORED,
        equivalent="with all commands read, nothing in flight is above the register's fence; the jump is there for "
        "what nobody made sure of",
    ),
    Mistake(
        name="RELEASES_WHILE_UNRELEASING",
        about="a release is accepted while unreleasing",
        bounds={**TWICE_SIGNED, "RATINGS": 1, "VERSIONS": 2},
        equivalent="LOCK(2e+2) is above UNLOCK(2e+1), so the order in which they come does not matter; it is refused "
        "because a person who sees `unreleasing` cannot know what there will be to release",
    ),
)
MISTAKES = (*FENCES, *GRANTS, *EDITS, *PACKETS, *SIGNING, *UPKEEP, *MAIL, *EQUIVALENT)
