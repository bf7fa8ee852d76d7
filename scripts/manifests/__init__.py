"""The manifests of Kubernetes: rendered, checked against its schemas and against our policies."""
