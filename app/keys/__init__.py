"""API keys: their file, who holds which, and how much each holder may ask for. No HTTP."""
