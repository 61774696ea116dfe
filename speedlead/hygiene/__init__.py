"""The regular look at the whole base: what is found, what is put right by itself, and how people hear of it."""
