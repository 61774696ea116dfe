"""What if: the leads of the last weeks under another plan, other people or other cover (docs/whatif.md)."""
