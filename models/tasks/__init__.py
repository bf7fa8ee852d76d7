"""The data sets: how their rows become examples, one module a set; ``registry`` lists them."""
