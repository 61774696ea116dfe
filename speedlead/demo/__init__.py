"""A week of leads in a minute, on a virtual clock: the production parts, wired to servers of their own."""
