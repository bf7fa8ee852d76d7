"""The command line. It may import every other package, and none of them imports it."""
