"""What people and other services want done: one function per use case, the open transaction first, never committing."""
