"""Build the image, run it, check it, and keep the log: ``python -m scripts.image``."""
