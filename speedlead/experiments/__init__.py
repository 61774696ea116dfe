"""Experiments: how many persons are needed, what the rows say so far, and what that means in plain words."""
