"""Faults on real processes: load, kills, pauses, broken connections; a history in files, and a judge of its own."""
