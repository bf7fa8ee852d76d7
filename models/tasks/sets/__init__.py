"""One file for each set: where its rows are, and how each becomes an example."""
