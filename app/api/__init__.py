"""HTTP only: resources, schemas and problem details."""
