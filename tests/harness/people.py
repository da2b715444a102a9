"""The people of every story that tests, the demo and `make up` tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in the company: the identity provider's subject, a name, and whom they report to."""

    id: str
    name: str
    email: str
    manager: str | None = None
    roles: tuple[str, ...] = ()


DORA = Person(id="p-dora", name="Dora Director", email="dora@company.example")
MAX = Person(id="p-max", name="Max Manager", email="max@company.example", manager=DORA.id)
MIRA = Person(id="p-mira", name="Mira Manager", email="mira@company.example", manager=DORA.id)
ANNA = Person(id="p-anna", name="Anna Author", email="anna@company.example", manager=MAX.id)
BEN = Person(id="p-ben", name="Ben Builder", email="ben@company.example", manager=MAX.id)
OLGA = Person(id="p-olga", name="Olga Outsider", email="olga@company.example", manager=MIRA.id)
HELEN = Person(id="p-helen", name="Helen Human", email="helen@company.example", manager=DORA.id, roles=("hr_admin",))
# Hugo reports to Max: on Max's own review he would deal with his superior.
HUGO = Person(id="p-hugo", name="Hugo Human", email="hugo@company.example", manager=MAX.id, roles=("hr_admin",))
AMY = Person(id="p-amy", name="Amy Assistant", email="amy@company.example", manager=HELEN.id, roles=("hr_assistant",))
KAI = Person(id="p-kai", name="Kai Calibrator", email="kai@company.example", manager=DORA.id)

CAST = (DORA, MAX, MIRA, ANNA, BEN, OLGA, HELEN, HUGO, AMY, KAI)
SERVICES = ("assessment", "packets", "signing", "notifications")
