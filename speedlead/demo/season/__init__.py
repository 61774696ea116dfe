"""Leads of a whole season, written straight into Postgres: for the dashboard, for measurements, for a look around."""
