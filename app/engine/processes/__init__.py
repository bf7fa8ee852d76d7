"""Engines as processes of their own: forked from a template that holds the weights."""
