"""How many requests a second a service answers in time: ``python -m loadtests.capacity``."""
