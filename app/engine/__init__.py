"""Text to logits: models, tokenisation and the forward pass."""
