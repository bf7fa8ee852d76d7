"""Cross-validation of a recipe over COPA's items 1 to 500 and their mirrors."""
