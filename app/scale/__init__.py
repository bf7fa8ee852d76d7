"""The service on Ray Serve: replicas on the nodes of a cluster, behind the proxies of Serve.

Every file can be imported without Ray; ``ray_package.py`` says which extra brings it.
"""
