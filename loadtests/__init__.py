"""Load tests, run with locust, the benchmarks, and what the service is compared with."""
