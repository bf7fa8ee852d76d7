"""The programs that the service is compared with: transformers' padded pass, and an endpoint."""
