"""``xcopa evaluate``: both variants on English COPA and, zero-shot, on XCOPA.

``sheets`` are the items that are asked; ``answerers`` says who can be: a model that is loaded here
(``local``) or in a running service (``remote``). ``answers`` keeps the logits of every run, and
``report`` computes every figure of them alone (``accuracy``, ``calibration``, ``premise``,
``seeds``). ``grids`` lays it out as tables, for ``console``, ``markdown`` and ``cards``; ``plots``
draws it; ``files`` writes it all. ``command`` does one after the other.
"""
