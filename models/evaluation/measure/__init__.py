"""Measuring: every figure of an evaluation, computed from logits alone.

``report`` brings ``accuracy``, ``calibration``, ``premise`` and ``seeds`` together; ``languages``
names the languages and the groups that are averaged.
"""
