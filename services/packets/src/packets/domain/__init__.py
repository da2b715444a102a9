"""The decisions of the packets service: pure functions over frozen rows; standard library only."""
