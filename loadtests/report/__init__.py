"""Results as JSON and as one HTML page with plots."""
