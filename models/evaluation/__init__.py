"""``xcopa evaluate``: both variants on English COPA and, zero-shot, on XCOPA.

``ask`` has the items and who predicts them: a model that is loaded here or one in a running
service; it keeps the logits of every run. ``measure`` computes every figure from these logits
alone. ``show`` writes the report as tables, pages, pictures and files. ``command`` does one after
the other.
"""
