"""Predicting files: the rows of a JSON-lines or CSV file, answered line by line.

``lines`` reads bytes; ``json_rows`` and ``csv_rows`` make fields of them, ``rows`` questions;
``answers`` has them answered in order, ``output`` writes an answer, and ``resume`` goes on where
an output file ends. Any number of rows needs the memory of a few hundred.
"""
