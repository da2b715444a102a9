"""Shapes of requests and answers; they stay at the edge."""
