"""Rows of a set, from files or the hub, each with the place that an error names."""
