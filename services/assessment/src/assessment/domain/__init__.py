"""What the assessment service decides, as pure functions: state and inputs in, new state and facts out."""
