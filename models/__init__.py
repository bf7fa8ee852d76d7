"""The two models of the service: their training, their evaluation, and their files."""
