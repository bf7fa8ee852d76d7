"""Load tests, run with locust."""
