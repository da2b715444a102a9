"""Who reports to whom, as the people facts told it: ids and lines only.

Facts may come late and twice; the person's version decides. What no fact told, since it was lost or came after the
backup that was restored, is learnt from the owner's pages, in every sweep and before a quarantine ends. The line above
a person is followed with a limit, so that a loop in what was told cannot hang a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from reviewbus.client import pages
from reviewbus.tables import directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reviewbus.db import Database, Tx
    from reviewbus.envelope import Received

    Page = tuple[Sequence[Mapping[str, Any]], str | None]

# Where the owner tells everybody, with `cursor` and `limit`.
ADDRESS = "/internal/directory"
LINE_LEVELS_MAX = 50
_TOLD = ("person_id", "manager_id", "active", "version")
_LINE = sa.text(
    "with recursive line (person_id, level) as ("
    " select manager_id, 1 from directory where person_id = :person and manager_id is not null"
    " union select d.manager_id, level + 1 from line join directory d on d.person_id = line.person_id"
    " where d.manager_id is not null and level < :levels)"
    " select distinct person_id from line"
)


def learn(tx: Tx, people: Sequence[Mapping[str, Any]]) -> int:
    """Keep what is told of each person, unless something as new is known; return of how many that was news."""
    newest: dict[str, Mapping[str, Any]] = {}
    for person in people:
        known = newest.setdefault(person["person_id"], person)
        if person["version"] > known["version"]:
            newest[person["person_id"]] = person
    if not newest:
        return 0
    # Locked in the order of their ids, whoever tells.
    values = [{name: newest[each][name] for name in _TOLD} for each in sorted(newest)]
    statement = insert(directory).values(values)
    told = statement.on_conflict_do_update(
        index_elements=[directory.c.person_id],
        set_={name: statement.excluded[name] for name in _TOLD[1:]},
        where=directory.c.version < statement.excluded.version,
    )
    return len(tx.execute(told.returning(directory.c.person_id)).all())


def hear(tx: Tx, received: Sequence[Received]) -> None:
    """Learn from facts: the handler of `person.changed.v1`."""
    learn(tx, [each.data for each in received])


def catch_up(db: Database, page_after: Callable[[str | None], Page]) -> int:
    """Learn everybody from their owner, page by page in a transaction each; return of how many that was news.

    `page_after`: see `reviewbus.client.pages`.
    """
    news = 0
    for _, people in pages(page_after):
        with db.begin() as tx:
            news += learn(tx, people)
    return news


def line_above(tx: Tx, person: str) -> frozenset[str]:
    """Return everybody to whom the person reports, directly or not."""
    return frozenset(tx.execute(_LINE, {"person": person, "levels": LINE_LEVELS_MAX}).scalars())
