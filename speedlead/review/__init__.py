"""The weekly review: composed from the rows, kept, shown as a page and sent as a mail."""
