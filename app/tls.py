"""TLS: the certificate of the service, read before the models load and again when it is renewed.

Decision: docs/decisions/0032-ports-and-tls.md
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from app.errors import StartError
from app.settings import Settings

log = logging.getLogger(__name__)

CERTFILE, KEYFILE = "XCOPA_SSL_CERTFILE", "XCOPA_SSL_KEYFILE"
PASSWORD, CA_CERTS = "XCOPA_SSL_KEYFILE_PASSWORD", "XCOPA_SSL_CA_CERTS"

_MISMATCH = "KEY_VALUES_MISMATCH"
_PLAIN_KEY = b"PRIVATE KEY-----"
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"

Stamp = tuple[tuple[int, int, int] | None, ...]
"""What tells that a file is another one: inode, size and time of its last change."""


class ServerTls:
    """How the service speaks TLS, as the files say that are there when somebody connects.

    Whoever renews a certificate (certbot, cert-manager) replaces its files and tells nobody. To
    look at them costs microseconds beside a handshake.

    Args:
        settings: have at least ``ssl_certfile``.

    Raises:
        StartError: a file cannot be used; the message names its variable and the fix.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp = _stamp(settings)
        self._context = read_context(settings)

    def context(self) -> ssl.SSLContext:
        """Return the context for a new connection.

        Files that have changed and cannot be used leave the context as it was: a certificate and
        its key are two files, and may be replaced one after the other.
        """
        stamp = _stamp(self._settings)
        if stamp != self._stamp:
            self._stamp = stamp
            self._read_again()
        return self._context

    def _read_again(self) -> None:
        try:
            self._context = read_context(self._settings)
        except StartError as error:
            log.warning("the certificate has changed, the one before stays in use: %s", error)
        else:
            log.info("the certificate has changed: new connections are given the new one")


def server_tls(settings: Settings) -> ServerTls | None:
    """Return how the service speaks TLS, or None if no certificate is named.

    Raises:
        StartError: a file cannot be used, or is of no use without a certificate.
    """
    if settings.ssl_certfile is not None:
        return ServerTls(settings)
    others = {
        KEYFILE: settings.ssl_keyfile,
        PASSWORD: settings.ssl_keyfile_password,
        CA_CERTS: settings.ssl_ca_certs,
    }
    for variable, value in others.items():
        if value is not None:
            raise StartError(f"{variable} is set and {CERTFILE} is not: set both, or neither")
    return None


def read_context(settings: Settings) -> ssl.SSLContext:
    """Read the files that the settings name.

    Raises:
        StartError: one cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    _load_certificate(context, settings)
    if settings.ssl_ca_certs is not None:
        _load_authorities(context, settings.ssl_ca_certs)
    return context


def _load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    assert settings.ssl_certfile is not None
    certificate = settings.ssl_certfile
    key = settings.ssl_keyfile or certificate
    holder = CERTFILE if settings.ssl_keyfile is None else KEYFILE
    if _CERTIFICATE not in _read(CERTFILE, certificate):
        raise StartError(f"{CERTFILE}: {certificate} holds no certificate in PEM")
    if _PLAIN_KEY not in _read(holder, key):
        hint = f"; {KEYFILE} names the key's own file" if holder == CERTFILE else ""
        raise StartError(f"{holder}: {key} holds no private key in PEM{hint}")
    password = _Password(settings)
    try:
        context.load_cert_chain(certificate, key, password)
    except (OSError, ValueError) as error:
        raise StartError(_reason(error, settings, key, password)) from error


class _Password:
    """Gives OpenSSL the password of the key, and knows whether it was asked for.

    Without a function to ask, OpenSSL would ask at the terminal, and wait.
    """

    def __init__(self, settings: Settings) -> None:
        secret = settings.ssl_keyfile_password
        self.known = secret is not None
        self.asked = False
        self._value = secret.get_secret_value() if secret is not None else ""

    def __call__(self) -> str:
        self.asked = True
        return self._value


def _reason(error: Exception, settings: Settings, key: Path, password: _Password) -> str:
    certificate = settings.ssl_certfile
    if isinstance(error, ssl.SSLError) and error.reason == _MISMATCH:
        return f"{KEYFILE}: {key} is not the key of the certificate in {certificate}"
    if password.asked and not password.known:
        return f"{PASSWORD}: the key in {key} is encrypted; set its password"
    if password.asked:
        return f"{PASSWORD}: this is not the password of the key in {key}"
    return f"{CERTFILE}, {KEYFILE}: {certificate} and {key} cannot be read as PEM: {error}"


def _load_authorities(context: ssl.SSLContext, authorities: Path) -> None:
    _read(CA_CERTS, authorities)
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        raise StartError(f"{CA_CERTS}: {authorities} holds no certificate in PEM") from error
    context.verify_mode = ssl.CERT_REQUIRED


def _read(variable: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartError(f"{variable}: cannot read {path}: {error.strerror}") from error


def _stamp(settings: Settings) -> Stamp:
    named = (settings.ssl_certfile, settings.ssl_keyfile, settings.ssl_ca_certs)
    return tuple(_stamp_of(path) for path in named if path is not None)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
