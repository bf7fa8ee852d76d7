"""Capacity planning: the real scheduler on a simulated clock. What others need is in ``study``.

docs/decisions/0039-planning-by-simulation.md says why it is simulated, and where it ends.
"""
