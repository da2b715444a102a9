"""What tests of any service use: a broker in memory, a clock that stands still, examples of every event."""
