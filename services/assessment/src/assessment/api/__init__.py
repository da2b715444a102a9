"""The HTTP operations: parse, who asks, command or query, shape."""

from __future__ import annotations

from assessment.api import cycles, forms, internal, operations, participants, people, questionnaires, reviews

ROUTES = (
    people.routes,
    questionnaires.routes,
    cycles.routes,
    participants.routes,
    operations.routes,
    reviews.routes,
    *forms.ROUTES,
    internal.routes,
)
