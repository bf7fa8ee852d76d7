"""What the service is compared with: transformers' own padded pass, and a plain endpoint on it."""
