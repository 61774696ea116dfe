"""Everything on one machine: Postgres, the Temporal server, the provider stand-in and the app, supervised."""
