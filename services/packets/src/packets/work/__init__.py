"""What the worker does: fetch, rebind, render, reconcile, sweep. Each is one `run`, or one `run_once`."""
