"""The two models of the service: how they are made, measured and where they live."""
