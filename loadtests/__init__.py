"""Load tests with locust, the benchmarks, and the programs that the service is compared with."""
