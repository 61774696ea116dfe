"""Quality beside speed: a random share of contacts, reviewed by criteria (docs/quality.md)."""
