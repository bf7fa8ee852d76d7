"""The programs that the service is compared with: transformers' padded pass, and other servers.

The servers run in an environment of their own and import nothing of the service:
docs/decisions/0035-peers-in-their-own-environment.md
"""
