"""Two thousand touches through providers on a bad day, with workers killed at the request: what went out, how often."""
