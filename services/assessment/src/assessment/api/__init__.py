"""The HTTP operations: parse, who asks, command or query, shape."""

from __future__ import annotations

from assessment.api import cycles, forms, internal, people, questionnaires, reviews

ROUTES = (people.routes, questionnaires.routes, cycles.routes, reviews.routes, *forms.ROUTES, internal.routes)
