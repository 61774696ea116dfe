"""A year of leads through the whole plan, and a judge that shares no code with what placed them."""
