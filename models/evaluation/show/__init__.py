"""Showing: a report as tables of text, for terminals, pages and model cards, and as pictures.

``tables`` lays a report out with ``numbers``; ``console`` and ``markdown`` show the tables;
``plots`` draws; ``files`` writes everything to a directory.
"""
