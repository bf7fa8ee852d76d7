"""What measures the source tree itself; no part of the service."""
