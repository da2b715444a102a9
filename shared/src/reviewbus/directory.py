"""Who reports to whom, as the people facts told it: ids and lines only.

Facts may come late and twice; the person's version decides. The line above a person is followed with a limit, so that
a loop in what was told cannot hang a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from reviewbus.tables import directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reviewbus.db import Tx

LINE_LEVELS_MAX = 50
_LINE = sa.text(
    "with recursive line (person_id, level) as ("
    " select manager_id, 1 from directory where person_id = :person and manager_id is not null"
    " union select d.manager_id, level + 1 from line join directory d on d.person_id = line.person_id"
    " where d.manager_id is not null and level < :levels)"
    " select distinct person_id from line"
)


def learn(tx: Tx, people: Sequence[Mapping[str, object]]) -> None:
    """Keep what a `person.changed` fact says of each person, unless something newer is known."""
    for person in sorted(people, key=lambda one: str(one["person_id"])):
        values = {name: person[name] for name in ("person_id", "manager_id", "active", "version")}
        statement = insert(directory).values(values)
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=[directory.c.person_id],
                set_={name: statement.excluded[name] for name in ("manager_id", "active", "version")},
                where=directory.c.version < statement.excluded.version,
            )
        )


def line_above(tx: Tx, person: str) -> frozenset[str]:
    """Return everybody to whom the person reports, directly or not."""
    return frozenset(tx.execute(_LINE, {"person": person, "levels": LINE_LEVELS_MAX}).scalars())
