"""What the notifications service decides, as pure functions: state and inputs in, new state and what follows out."""
