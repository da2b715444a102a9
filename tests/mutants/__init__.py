"""Seeded bugs: small patches of the shipped code, each of which one of the machines has to find."""
