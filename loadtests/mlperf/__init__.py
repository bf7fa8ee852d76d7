"""MLPerf Inference's four scenarios, with its own load generator: ``python -m loadtests.mlperf``.

These are no official results: nobody has reviewed them, and model and data are none of MLPerf's.
"""
