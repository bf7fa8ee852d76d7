"""The command line: everything may be imported here, and nothing imports it."""
