"""Signatures under a released review packet."""
