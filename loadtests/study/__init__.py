"""Whether the two variants cost the same, measured so that the answer can be believed."""
