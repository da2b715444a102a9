"""The ids of this service, opaque texts: people's come from the identity provider, the others are made by us."""

from __future__ import annotations

from typing import NewType

PersonId = NewType("PersonId", str)
ReviewId = NewType("ReviewId", str)
CycleId = NewType("CycleId", str)
QuestionnaireId = NewType("QuestionnaireId", str)
QuestionId = NewType("QuestionId", str)
OperationId = NewType("OperationId", str)
