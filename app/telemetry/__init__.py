"""Metrics and logs: a leaf that any part of the service may call."""
