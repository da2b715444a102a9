"""Reads for the API: straight from the rows; who may see what comes from the domain."""
