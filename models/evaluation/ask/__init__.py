"""Asking: the items of an evaluation, the models that predict them, and their logits.

``items`` collects the sets; ``predictor`` is the protocol that ``local`` and ``remote`` implement;
``predictions`` asks every run and keeps its logits.
"""
