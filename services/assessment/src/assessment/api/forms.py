"""The two forms and their backups: the same operations on either side, each by its own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assessment.api.edge import NUMBER, acknowledged, actor
from assessment.commands import backups, manager_side, self_side
from assessment.domain.questionnaire import Audience
from assessment.queries import forms
from assessment.schemas import reviews as shapes
from reviewbus import http
from reviewbus.http import Reply, Routes

if TYPE_CHECKING:
    from types import ModuleType
    from uuid import UUID

    from reviewbus.auth import Caller
    from reviewbus.db import Tx
    from reviewbus.idempotency import Answer


def _routes(audience: Audience, side: ModuleType) -> Routes:
    """Return the operations of one side; `side` holds its commands."""
    base = f"/v1/reviews/<uuid:review_id>/{audience.value}-assessment"
    routes = Routes(f"{audience.value}-assessment", __name__, description=f"The {audience.value}-assessment")

    @routes.read(base, answer=shapes.Form)
    def read(tx: Tx, caller: Caller, review_id: UUID) -> Reply:
        """Show the form as it stands."""
        review, written = side.read(tx, actor(caller), str(review_id))
        form = forms.form(tx, review, audience, written)
        return Reply(body=form, etag=str(form["version"]))

    @routes.save(base, body=shapes.AnswersBody, answer=shapes.SavedForm)
    def save(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Reply:
        """Save the whole form as a new version; a refused text is kept as a backup."""
        expected = http.if_match_version()
        saved = side.save(tx, actor(caller), str(review_id), expected=expected, written=body["answers"])
        return Reply(body=forms.saved(saved.stored.review, audience, saved.content, tx.now), etag=str(saved.version))

    @routes.save(f"{base}/backup", body=shapes.AnswersBody, answer=shapes.BackupMade, if_match=False)
    def autosave(tx: Tx, caller: Caller, body: dict[str, Any], review_id: UUID) -> Any:
        """Keep what is being written as a backup; no version is made."""
        number, saved_at = backups.autosave(tx, actor(caller), str(review_id), audience, body["answers"])
        return {"review_id": str(review_id), "number": number, "saved_at": saved_at}

    @routes.read(f"{base}/backups", answer=shapes.Backups)
    def list_backups(tx: Tx, caller: Caller, review_id: UUID) -> Any:
        """List the caller's own backups, newest first."""
        return {"items": forms.backups(tx, actor(caller), str(review_id), audience)}

    @routes.read(f"{base}/backups/<{NUMBER}:number>", answer=shapes.Backup)
    def one_backup(tx: Tx, caller: Caller, review_id: UUID, number: int) -> Any:
        """Show one of the caller's own backups."""
        return forms.one_backup(tx, actor(caller), str(review_id), audience, number)

    @routes.command(f"{base}/backups/<{NUMBER}:number>/restore", answer=shapes.ReviewAck, if_match=True)
    def restore(tx: Tx, caller: Caller, review_id: UUID, number: int) -> Answer:
        """Make a backup the newest version of the form."""
        expected = http.if_match_version()
        saved = side.restore(tx, actor(caller), str(review_id), number, expected=expected)
        return acknowledged(saved.stored, saved.rel, etag=saved.version)

    return routes


_self = _routes(Audience.SELF, self_side)
_manager = _routes(Audience.MANAGER, manager_side)
ROUTES = (_self, _manager)


@_self.read(f"/v1/reviews/<uuid:review_id>/self-assessment/versions/<{NUMBER}:version>", answer=shapes.Version)
def read_version(tx: Tx, caller: Caller, review_id: UUID, version: int) -> Any:
    """Show a numbered version to its author, or to who has read it before."""
    return forms.version(*self_side.read_version(tx, actor(caller), str(review_id), version))
