"""Which models are served, and how each is treated: variables, and a file for many."""
