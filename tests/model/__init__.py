"""The model of the protocol, checked with Spin: `python -m model`. The model itself is in docs/model."""
