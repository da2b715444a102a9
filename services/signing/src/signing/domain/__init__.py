"""What the signing service decides, as pure functions: state and inputs in, new state and facts out."""
