"""What was learnt from other services, compared with the same built anew in another schema of the same database.

Only ids and the names of columns leave the database: nothing that a person wrote. Left out is what packets decides by
itself, and when something was learnt or fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import array, insert

from packets.domain.ids import ContentHash, Rating
from packets.domain.packet import CalibrationState, RatingShown, SnapshotRef
from packets.store.library import Library
from packets.store.tables import contents, cycles, packets, questionnaires, selections, snapshots
from packets.store.upkeep import rows_after
from reviewbus.db import rows_of, uuids
from reviewbus.tables import directory, jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewbus.db import Tx

    Columns = dict[str, sa.ColumnElement[Any]]
    Place = Callable[[sa.Table], sa.Table]


class Kind(StrEnum):
    """How a row differs from the one that was built anew."""

    DIFFERING = "differing"
    MISSING = "missing"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One row that is not as it was built anew; `stamp` changes when either of the two does."""

    table: str
    key: str
    kind: Kind
    columns: tuple[str, ...] = ()
    stamp: str = ""


Found = dict[tuple[str, str], Difference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A table that is learnt. `columns` are those to compare, of one of the two rows beside the one built anew.

    `lacked` and `beyond` say of a row that only one of the two has whether it counts.
    """

    table: sa.Table
    columns: Callable[[sa.Table, sa.Table], Columns]
    lacked: Callable[[sa.Table, Place], sa.ColumnElement[bool]] = lambda _row, _rebuilt: sa.true()
    beyond: Callable[[sa.Table, Place], sa.ColumnElement[bool]] = lambda _row, _served: sa.true()


def differences(connection: sa.Connection, *, served: str, rebuilt: str) -> Found:
    """The rows of every learnt table of the schema `served` that differ from those of `rebuilt`, by table and key."""
    found: Found = {}
    for model in MODELS:
        for row in connection.execute(_compare(model, _schema(served), _schema(rebuilt))):
            one = Difference(
                table=model.table.name,
                key=row.key,
                kind=Kind(row.kind),
                columns=tuple(row.columns) if row.kind == Kind.DIFFERING else (),
                stamp=row.stamp,
            )
            found[one.table, one.key] = one
    return found


def unproven(served: Tx, rebuilt: Tx, *, after: str | None, limit: int) -> tuple[list[Difference], int, str | None]:
    """Compute the hashes of what the next packets show, and have ever shown, from what `rebuilt` holds.

    Return those that come out otherwise, how many were computed, and the last packet; None where there are no more.
    """
    shown = rows_after(served, after, limit)
    library, found, computed = Library(rebuilt), [], 0
    for review_id, packet in shown.items():
        if packet.snapshot is not None:
            computed += 1
            if library.hash_of(packet, packet.snapshot.ref) != packet.snapshot.hash:
                found.append(_unproven("packets", review_id, packet.snapshot.hash))
    taken = sa.select(snapshots).where(snapshots.c.review_id == sa.any_(uuids(shown)))
    for row in served.execute(taken.order_by(snapshots.c.review_id, snapshots.c.hash)):
        computed += 1
        if library.hash_of(shown[row.review_id], _ref(row)) != row.hash:
            found.append(_unproven("snapshots", f"{row.review_id} {row.hash} {row.manager_id}", row.hash))
    return found, computed, max(shown) if len(shown) == limit else None


def _unproven(table: str, key: str, stamp: str) -> Difference:
    return Difference(table=table, key=key, kind=Kind.DIFFERING, columns=("snapshot_hash",), stamp=stamp)


def _ref(row: Any) -> SnapshotRef:
    return SnapshotRef(
        manager_version=row.manager_version,
        content_hash=None if row.content_hash is None else ContentHash(row.content_hash),
        selection_version=row.selection_version,
        rating_shown=RatingShown(row.rating_shown),
        rating=None if row.rating is None else Rating(row.rating),
        rating_version=row.rating_version,
    )


def counts(connection: sa.Connection, *, served: str) -> dict[str, int]:
    """How many rows each learnt table of the schema has."""
    place = _schema(served)
    return {
        model.table.name: connection.execute(sa.select(sa.func.count()).select_from(place(model.table))).scalar_one()
        for model in MODELS
    }


def unlike(
    connection: sa.Connection, *, served: str, rebuilt: str
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The contents and the questionnaires that only the schema `served` has, by id and version."""
    return (
        _only(connection, contents, _schema(served), _schema(rebuilt)),
        _only(connection, questionnaires, _schema(served), _schema(rebuilt)),
    )


def copy_selections(connection: sa.Connection, *, served: str, rebuilt: str) -> None:
    """Give the schema `rebuilt` the selections, which are decided here: also instead of what followed there."""
    source, target = _schema(served)(selections), _schema(rebuilt)(selections)
    names = [column.name for column in source.c]
    statement = insert(target).from_select(names, sa.select(*source.c))
    values = {name: statement.excluded[name] for name in names}
    connection.execute(statement.on_conflict_do_update(index_elements=target.primary_key.columns, set_=values))


def complaints(connection: sa.Connection, *, rebuilt: str) -> set[str]:
    """Why jobs of the schema `rebuilt` were not done."""
    table = _schema(rebuilt)(jobs)
    statement = sa.select(table.c.last_error).where(table.c.last_error.is_not(None)).distinct()
    return set(connection.execute(statement).scalars())


def confirm(connection: sa.Connection, versions: dict[str, int], *, rebuilt: str) -> None:
    """Note up to which version of assessment's rows these packets of the schema `rebuilt` were compared."""
    if not versions:
        return
    table = _schema(rebuilt)(packets)
    rows = [{"review_id": each, "assessment_version": version} for each, version in versions.items()]
    given = rows_of(table, rows)
    newest = sa.func.greatest(table.c.assessment_version, given.c.assessment_version)
    same = table.c.review_id == given.c.review_id
    connection.execute(sa.update(table).where(same).values(assessment_version=newest))


def _plain(*names: str) -> Callable[[sa.Table, sa.Table], Columns]:
    return lambda row, _rebuilt: {name: row.c[name] for name in names}


def _packet(row: sa.Table, rebuilt: sa.Table) -> Columns:
    """Also whether it has to be calibrated, and what was fetched of what is submitted."""
    learnt = _plain(
        *("cycle_id", "subject_id", "manager_id", "release_mode", "release_after_calibration"),
        *("recall_window_minutes", "manager_version", "submitted", "content_hash", "closed", "cancelled", "holds"),
    )
    return learnt(row, rebuilt) | {
        "calibration": row.c.calibration != CalibrationState.NOT_REQUIRED.value,
        # What was fetched before HR made it a draft again depends on who was faster.
        "fetched_version": sa.case((row.c.submitted, row.c.fetched_version)),
        "fetched_hash": sa.case((row.c.submitted, row.c.fetched_hash)),
        # A repair may have told of a later version than the newest fact; but of none that assessment has not reached.
        "assessment_version": sa.func.greatest(row.c.assessment_version, rebuilt.c.assessment_version),
    }


def _cycle(row: sa.Table, rebuilt: sa.Table) -> Columns:
    """Where no fact about the cycle is left, its reviews tell of its questionnaire only."""
    told = rebuilt.c.version > 0
    names = ("version", "closed")
    return _plain("questionnaire_id", "questionnaire_version", "frozen")(row, rebuilt) | {
        name: sa.case((told, row.c[name])) for name in names
    }


def _is_current(row: sa.Table, rebuilt: Place) -> sa.ColumnElement[bool]:
    """Versions that were overtaken before they were fetched are not needed."""
    packet = rebuilt(packets)
    same = sa.and_(packet.c.review_id == row.c.review_id, packet.c.manager_version == row.c.version)
    return sa.select(packet.c.review_id).where(same, packet.c.submitted).exists()


def _is_asked(row: sa.Table, rebuilt: Place) -> sa.ColumnElement[bool]:
    cycle = rebuilt(cycles)
    same = sa.and_(cycle.c.questionnaire_id == row.c.id, cycle.c.questionnaire_version == row.c.version)
    return sa.select(cycle.c.cycle_id).where(same).exists()


def _has_packets(row: sa.Table, served: Place) -> sa.ColumnElement[bool]:
    """Of a cycle without reviews only facts tell, and they are kept for a time."""
    packet = served(packets)
    return sa.select(packet.c.review_id).where(packet.c.cycle_id == row.c.cycle_id).exists()


MODELS = (
    Model(table=packets, columns=_packet),
    Model(table=cycles, columns=_cycle, beyond=_has_packets),
    Model(table=questionnaires, columns=_plain("content_hash", "title", "questions"), lacked=_is_asked),
    Model(
        table=contents,
        columns=_plain("content_hash", "questionnaire_id", "questionnaire_version", "answers"),
        lacked=_is_current,
    ),
    Model(table=directory, columns=_plain("manager_id", "active", "version")),
)


def _schema(name: str) -> Place:
    metadata = sa.MetaData()
    return lambda table: table.to_metadata(metadata, schema=name)


def _compare(model: Model, served: Place, rebuilt: Place) -> sa.Select[Any]:
    here, there = served(model.table), rebuilt(model.table)
    keys = [column.name for column in model.table.primary_key]
    ours, theirs = model.columns(here, there), model.columns(there, there)
    lacks_ours, lacks_theirs = here.c[keys[0]].is_(None), there.c[keys[0]].is_(None)
    unlike_names = [sa.case((ours[name].is_distinct_from(theirs[name]), name)) for name in ours]
    is_unlike = sa.or_(*(ours[name].is_distinct_from(theirs[name]) for name in ours))
    values = [sa.cast(column, sa.Text) for column in (*ours.values(), *theirs.values())]
    return (
        sa.select(
            sa.func.concat_ws(" ", *(sa.func.coalesce(here.c[each], there.c[each]) for each in keys)).label("key"),
            sa.case((lacks_ours, Kind.MISSING), (lacks_theirs, Kind.EXTRA), else_=Kind.DIFFERING).label("kind"),
            sa.func.array_remove(sa.cast(array(unlike_names), sa.ARRAY(sa.Text)), None).label("columns"),
            sa.func.md5(sa.func.concat_ws("|", *values)).label("stamp"),
        )
        .select_from(here.join(there, sa.and_(*(here.c[each] == there.c[each] for each in keys)), full=True))
        .where(
            sa.or_(
                sa.and_(lacks_ours, model.lacked(there, rebuilt)),
                sa.and_(lacks_theirs, model.beyond(here, served)),
                sa.and_(~lacks_ours, ~lacks_theirs, is_unlike),
            )
        )
        .order_by(sa.text("1"))
    )


def _only(connection: sa.Connection, table: sa.Table, served: Place, rebuilt: Place) -> list[tuple[str, int]]:
    here, there = served(table), rebuilt(table)
    keys = [column.name for column in table.primary_key]
    same = sa.and_(*(here.c[each] == there.c[each] for each in keys))
    statement = sa.select(*(here.c[each] for each in keys)).where(~sa.select(sa.literal(1)).where(same).exists())
    return [(str(row[0]), int(row[1])) for row in connection.execute(statement)]
