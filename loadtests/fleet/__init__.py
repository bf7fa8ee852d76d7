"""Several services behind HAProxy, under load, while some are killed, drained, stuck, replaced."""
