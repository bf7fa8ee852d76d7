"""All policies, and which of them hold for what an overlay applies."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.manifests.cluster_policies import CLUSTER_POLICIES
from scripts.manifests.manifests import Manifests
from scripts.manifests.pod_policies import POD_POLICIES
from scripts.manifests.policy import Policy
from scripts.manifests.ray_pods import RAY_SERVICE
from scripts.manifests.ray_policies import RAY_POLICIES

POLICIES = (*POD_POLICIES, *CLUSTER_POLICIES)
"""Those of a Deployment."""


def policies_of(manifests: Manifests) -> Sequence[Policy]:
    """Return the policies of a RayService where there is one, else those of a Deployment."""
    return RAY_POLICIES if manifests.of_kind(RAY_SERVICE) else POLICIES
