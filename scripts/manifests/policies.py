"""All policies."""

from __future__ import annotations

from scripts.manifests.cluster_policies import CLUSTER_POLICIES
from scripts.manifests.pod_policies import POD_POLICIES

POLICIES = (*POD_POLICIES, *CLUSTER_POLICIES)
