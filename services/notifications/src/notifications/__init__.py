"""Tasks and mails that follow from what the other services report."""
