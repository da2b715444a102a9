"""The shapes of requests and answers."""

from __future__ import annotations

import marshmallow as ma

from reviewbus.schema import BIGINT_MAX, Body, Instant, Page, Shape, person_id, reason

COMMENT_CHARS_MAX = 20_000
INT_MAX = 2**31 - 1
ITEMS_MAX = 500
ROLES = ("employee", "manager")
_HASH = ma.validate.And(
    ma.validate.Length(equal=71),
    ma.validate.Regexp(r"^sha256:[0-9a-f]{64}$", error="Must be sha256: and 64 hexadecimal digits."),
)


class SignaturesQuery(Page):
    """Which signatures to list."""

    cycle_id = ma.fields.UUID(load_default=None)


class SignerShape(Shape):
    """One signer. What is covered is named only while the signature stands (`signed`)."""

    role = ma.fields.String(required=True, validate=ma.validate.OneOf(ROLES))
    person_id = ma.fields.String(required=True)
    state = ma.fields.String(
        required=True, validate=ma.validate.OneOf(("closed", "open", "pending", "signed", "revoking", "lost"))
    )
    fence = ma.fields.Integer(required=True)
    epoch = ma.fields.Integer(required=True, allow_none=True)
    snapshot_hash = ma.fields.String(required=True, allow_none=True)
    manager_version = ma.fields.Integer(required=True, allow_none=True)
    self_version = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null also where the self-assessment was waived"}
    )
    statement_version = ma.fields.Integer(required=True, allow_none=True)
    signed_at = Instant(required=True, allow_none=True)
    stale = ma.fields.Boolean(required=True, metadata={"description": "Another packet than the signed one is released"})
    rejection = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Why the newest attempt failed; to the signer and HR"}
    )


class CommentedSignerShape(SignerShape):
    """One signer, with the final comment where the reader may see it."""

    comment = ma.fields.String(required=True, allow_none=True, metadata={"description": "Rich text"})


class CompletionShape(Shape):
    """The completion; who asked for it and why it failed are told to HR only."""

    state = ma.fields.String(
        required=True, validate=ma.validate.OneOf(("none", "completing", "completed", "revoking", "lost"))
    )
    completed_by = ma.fields.String(required=True, allow_none=True)
    rejection = ma.fields.String(required=True, allow_none=True)


class RecordSummary(Shape):
    """The signatures of one review in a list."""

    review_id = ma.fields.String(required=True)
    cycle_id = ma.fields.String(required=True)
    subject_id = ma.fields.String(required=True)
    manager_id = ma.fields.String(required=True)
    open = ma.fields.Boolean(required=True, metadata={"description": "Who has not signed may sign now"})
    signers = ma.fields.List(ma.fields.Nested(SignerShape), required=True)
    completion = ma.fields.Nested(CompletionShape, required=True)


class RecordShape(RecordSummary):
    """The signatures of one review."""

    signers = ma.fields.List(ma.fields.Nested(CommentedSignerShape), required=True)


class RecordPage(Shape):
    """A page of signatures."""

    items = ma.fields.List(ma.fields.Nested(RecordSummary), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class CoversShape(Shape):
    """What a signature covers."""

    snapshot_hash = ma.fields.String(required=True)
    manager_version = ma.fields.Integer(required=True)
    self_version = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null: the self-assessment was waived"}
    )


class StatementShape(Shape):
    """The exact words to agree to."""

    review_id = ma.fields.String(required=True)
    role = ma.fields.String(required=True, validate=ma.validate.OneOf(ROLES))
    statement_version = ma.fields.Integer(required=True)
    text = ma.fields.String(required=True)
    covers = ma.fields.Nested(CoversShape, required=True)


class ActionShape(Shape):
    """One command: `changes` says whether it would do something, not only say again what is on record."""

    name = ma.fields.String(required=True, validate=ma.validate.OneOf(("sign", "revoke", "complete")))
    allowed = ma.fields.Boolean(required=True)
    changes = ma.fields.Boolean(required=True)
    unmet = ma.fields.List(ma.fields.Dict(), required=True)


class ActionsShape(Shape):
    """What the reader may do now."""

    review_id = ma.fields.String(required=True)
    actions = ma.fields.List(ma.fields.Nested(ActionShape), required=True)


class SignBody(Body):
    """What a signer has seen and agrees to, as the statement named it."""

    statement_version = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(min=1, max=INT_MAX))
    snapshot_hash = ma.fields.String(required=True, validate=_HASH)
    comment = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=COMMENT_CHARS_MAX),
        metadata={"description": "A final comment, rich text"},
    )
    self_version = ma.fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=ma.validate.Range(min=0, max=INT_MAX),
        metadata={"description": "The version of the self-assessment seen, 0 where it was waived; compared if named"},
    )


class RevokeBody(Body):
    """Whose signature HR takes back, and why; any of them lifts the completion."""

    signer = ma.fields.String(required=True, validate=ma.validate.OneOf((*ROLES, "all")))
    reason = reason()


class CompleteBody(Body):
    """Why HR completes without all signatures."""

    reason = reason()


class SignedShape(Shape):
    """A signature on its way, or standing."""

    review_id = ma.fields.String(required=True)
    role = ma.fields.String(required=True, validate=ma.validate.OneOf(ROLES))
    state = ma.fields.String(required=True)
    fence = ma.fields.Integer(required=True)
    statement_version = ma.fields.Integer(required=True)


class SignerStateShape(Shape):
    """One signer's state."""

    role = ma.fields.String(required=True, validate=ma.validate.OneOf(ROLES))
    state = ma.fields.String(required=True)
    fence = ma.fields.Integer(required=True)


class CompletionStateShape(Shape):
    """The completion's state."""

    state = ma.fields.String(required=True)
    fence = ma.fields.Integer(required=True)


class SettledShape(Shape):
    """What has become of both signers and the completion."""

    review_id = ma.fields.String(required=True)
    signers = ma.fields.List(ma.fields.Nested(SignerStateShape), required=True)
    completion = ma.fields.Nested(CompletionStateShape, required=True)


class RegisterShape(Shape):
    """A register as signing has it."""

    state = ma.fields.String(required=True)
    fence = ma.fields.Integer(required=True)
    epoch = ma.fields.Integer(required=True)
    snapshot_hash = ma.fields.String(required=True, allow_none=True)
    person_id = ma.fields.String(required=True, allow_none=True)


class StateShape(Shape):
    """One row for another service's comparison; registers by holder."""

    review_id = ma.fields.String(required=True)
    row_version = ma.fields.Integer(required=True)
    changed_at = Instant(required=True)
    packet_epoch = ma.fields.Integer(required=True)
    open_signers = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(ROLES)), required=True)
    registers = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(RegisterShape), required=True)


class StatesPage(Shape):
    """A page of rows in the order of review ids."""

    items = ma.fields.List(ma.fields.Nested(StateShape), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class VisibilityItem(Shape):
    """Whether this person may open this thing now, and `at` (for signatures: the signer's fence) is current."""

    person_id = person_id(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.Length(max=64))
    review_id = ma.fields.UUID(required=True)
    at = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(min=0, max=BIGINT_MAX))


class VisibilityBody(Body):
    """Up to 500 questions."""

    items = ma.fields.List(ma.fields.Nested(VisibilityItem), required=True, validate=ma.validate.Length(max=ITEMS_MAX))


class VisibleShape(Shape):
    """One answer."""

    allowed = ma.fields.Boolean(required=True)


class VisibilityShape(Shape):
    """The answers, in the order of the questions."""

    items = ma.fields.List(ma.fields.Nested(VisibleShape), required=True)
