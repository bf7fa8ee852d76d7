"""The service beside its peers: every server under the same loads, and the page about it.

Decision: docs/decisions/0046-peers-compared-under-one-plan.md
"""
