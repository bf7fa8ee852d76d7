"""The Open Inference Protocol, version 2, over HTTP.

Specification: https://github.com/kserve/open-inference-protocol, with the binary tensor data
extension of Triton Inference Server. A model is a variant, a version is its revision. Decision:
``docs/decisions/0028-open-inference-protocol.md``.
"""
