"""Certificates for tests, made when they run by an authority that exists as long as they do."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

PASSWORD = "open sesame"  # noqa: S105 - it opens nothing but a test's key
OTHER_NAME = "xcopa.example.org"


@dataclass(frozen=True)
class Files:
    """A certificate and its key, as settings name them."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        return {
            "XCOPA_SSL_CERTFILE": str(self.certificate),
            "XCOPA_SSL_KEYFILE": str(self.key),
        }


class Authority:
    """Issues certificates into a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ca = trustme.CA()
        self.file = directory / "authority.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, stem: str, *names: str, expired: bool = False) -> Files:
        """Write ``STEM.pem`` and ``STEM.key``; what was there is replaced."""
        long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        made = self._ca.issue_cert(*names, not_after=long_ago if expired else None)
        files = Files(self._directory / f"{stem}.pem", self._directory / f"{stem}.key")
        chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
        files.certificate.write_bytes(chain)
        made.private_key_pem.write_to_path(str(files.key))
        return files

    def client_context(self, files: Files | None = None) -> ssl.SSLContext:
        """Return how a client trusts this authority, with a certificate of its own or without."""
        context = ssl.create_default_context(cafile=self.file)
        if files is not None:
            context.load_cert_chain(files.certificate, files.key)
        return context


def encrypt(key: Path, password: str = PASSWORD) -> None:
    """Encrypt the private key in a file."""
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(password.encode())
    form = serialization.PrivateFormat.PKCS8
    key.write_bytes(loaded.private_bytes(serialization.Encoding.PEM, form, encryption))
