"""What speed is worth: a calculator, what it rests on, and what to look at when it falls (REQ 141-146, docs/roi.md)."""
