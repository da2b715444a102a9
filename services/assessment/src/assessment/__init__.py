"""People, cycles, questionnaires and the two assessments of a review."""
