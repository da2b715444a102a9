"""Reads for the API: straight SQL; who may see what comes from the domain."""
