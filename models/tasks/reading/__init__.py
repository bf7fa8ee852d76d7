"""Reads the rows of a set from files or the hub, each with its place for error messages."""
