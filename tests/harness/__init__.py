"""What tests, the demo and other teams use to run the system: the local stack, clients, builders, waiting."""
