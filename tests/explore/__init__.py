"""The domain that ships, explored: every reachable state of one review within bounds, and schedules beyond them."""
