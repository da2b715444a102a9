"""One function per use case: lock, load, decide, save, emit. They get the transaction and never commit it."""
