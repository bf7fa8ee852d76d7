"""``xcopa evaluate``: both variants on English COPA and, zero-shot, on XCOPA.

``ask`` has the items and the predictors: a model in this process or in a running service. It keeps
the logits of every run. ``measure`` computes every figure from these logits alone. ``show`` writes
the report as tables, pages, pictures and files. ``command`` calls them in this order.
"""
