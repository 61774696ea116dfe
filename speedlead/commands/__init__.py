"""One file per group of commands; each has an `app: typer.Typer` and imports heavy modules inside its functions."""
