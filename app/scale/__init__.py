"""The service on Ray Serve: replicas on the nodes of a cluster, behind the proxies of Serve.

Every file can be imported without Ray; ``library.py`` says which extra brings it.
"""
