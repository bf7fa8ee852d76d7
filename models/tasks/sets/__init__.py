"""One file a set: where its rows are, and how each becomes an example."""
