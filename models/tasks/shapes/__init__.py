"""The code that sets of one kind share: how rows of that kind become examples."""
