"""The environments of the peers: which packages each has, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scripts.install import CONSTRAINTS, pinned

ROOT = Path(__file__).resolve().parents[2]
_INSTALLED = "installed.txt"


@dataclass(frozen=True)
class PeerEnvironment:
    """A virtual environment at versions that are written down."""

    folder: Path
    requirements: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def wanted(self) -> str:
        """What it should hold, as its marker says it."""
        torch = pinned("torch", CONSTRAINTS.read_text(encoding="utf-8"))
        return f"torch=={torch}\n{self.requirements.read_text(encoding='utf-8')}"

    @property
    def is_installed(self) -> bool:
        """Whether the environment is there, with all that it should hold."""
        marker = self.folder / _INSTALLED
        return marker.exists() and marker.read_text(encoding="utf-8") == self.wanted

    def mark(self) -> None:
        """Note that it holds what it should."""
        (self.folder / _INSTALLED).write_text(self.wanted, encoding="utf-8")

    def version(self, package: str) -> str:
        """Return the version of a package.

        Raises:
            InstallError: the list has none.
        """
        return pinned(package, self.wanted)


def _own(name: str) -> PeerEnvironment:
    return PeerEnvironment(
        ROOT / f".venv-peers-{name}", Path(__file__).parent / "requirements" / f"{name}.txt"
    )


SERVERS = PeerEnvironment(ROOT / ".venv-peers", Path(__file__).with_name("requirements.txt"))
"""FastAPI, LitServe, mosec and BentoML, which agree on versions."""

RAY, MLSERVER, INFINITY, PYTRITON, RUNTIMES = map(
    _own, ("ray", "mlserver", "infinity", "pytriton", "runtimes")
)
"""Those of Ray Serve, MLServer, infinity and PyTriton; and that of ONNX Runtime and OpenVINO."""
