"""Benchmarks: each figure beside a raw baseline that the same run takes. `make bench`, or `make bench ONLY=drain`."""
