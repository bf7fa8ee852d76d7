"""The data sets: how their files become examples, one module a set."""
