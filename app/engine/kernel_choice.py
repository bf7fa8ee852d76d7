"""Which kernel computes a linear layer, as those read it who compute nothing; imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Kernel(StrEnum):
    """Who computes a linear layer, and what else in the same pass."""

    TORCH = "torch"
    """torch's own product: MKL or OpenBLAS on a CPU, cuBLAS on CUDA."""
    TORCH_TRANSPOSED = "torch-transposed"
    """The same on a transposed copy of the weight."""
    ONEDNN = "onednn"
    """oneDNN's product on a weight in its own layout; the rest follows in place."""
    ONEDNN_FUSED = "onednn-fused"
    """The same, with the sum or the GELU (exact, erf) before the result is written. Without
    AVX-512, oneDNN computes this GELU in a slow pass (oneDNN's issue 1163)."""


Seconds = Mapping[Kernel, float]
"""Of each kernel, seconds a token."""


class Then(StrEnum):
    """What follows a product in its layer."""

    NOTHING = "nothing"
    GELU = "gelu"
    OTHER = "another activation"
    SUM = "sum"


@dataclass(frozen=True)
class Product:
    """The shape of a linear layer, which decides how fast each kernel is."""

    inputs: int
    outputs: int
    then: Then

    def __str__(self) -> str:
        return f"{self.inputs} to {self.outputs}, then {self.then.value}"


@dataclass(frozen=True)
class KernelChoice:
    """The fastest kernel of a product, and what was measured."""

    product: Product
    kernel: Kernel
    unmeasured: Kernel
    """The one that would be taken without measuring."""
    token_seconds: Seconds
    """Of each kernel, seconds a token."""

    @classmethod
    def of(cls, product: Product, seconds: Seconds, unmeasured: Kernel) -> KernelChoice:
        """Take the fastest."""
        return cls(product, min(seconds, key=seconds.__getitem__), unmeasured, seconds)

    @property
    def gain(self) -> float:
        """How many times as fast it is as the one that would be taken without measuring."""
        return self.token_seconds[self.unmeasured] / self.token_seconds[self.kernel]


@dataclass(frozen=True)
class Kernels:
    """The kernels of a model's linear layers."""

    choices: tuple[KernelChoice, ...] = ()
    otherwise: Kernel = Kernel.TORCH
    """For layers that take little time, such as the head."""
    _by_product: Mapping[Product, Kernel] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_product = {choice.product: choice.kernel for choice in self.choices}
        object.__setattr__(self, "_by_product", MappingProxyType(by_product))

    def of(self, product: Product) -> Kernel:
        """Return the kernel that was chosen for such a product."""
        return self._by_product.get(product, self.otherwise)

    @property
    def names(self) -> str:
        """The kernels that are in use, in the order of the alphabet."""
        used = {choice.kernel.value for choice in self.choices}
        return " ".join(sorted(used or {self.otherwise.value}))

    def __reduce__(self) -> tuple[type[Kernels], tuple[tuple[KernelChoice, ...], Kernel]]:
        return Kernels, (self.choices, self.otherwise)
