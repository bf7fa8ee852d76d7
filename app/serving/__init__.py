"""The heart of the service: scheduling and running work, with no HTTP and no torch in it."""
