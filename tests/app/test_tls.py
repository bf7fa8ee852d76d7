"""The certificate of the service: read whole or refused in one line, and read again on change."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.errors import StartError
from app.settings import Settings
from app.tls import ServerTls, server_tls
from tests.certificates import PASSWORD, Authority, Files, encrypt
from tests.unprivileged import unprivileged


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def files(authority: Authority) -> Files:
    return authority.issue("service", "localhost")


def settings_of(files: Files, **others: object) -> Settings:
    named = {"ssl_certfile": files.certificate, "ssl_keyfile": files.key}
    return Settings.model_validate({**named, **others})


def refused(settings: Settings) -> str:
    with pytest.raises(StartError) as error:
        server_tls(settings)
    line = str(error.value)
    assert "\n" not in line
    return line


def test_without_a_certificate_there_is_no_tls() -> None:
    assert server_tls(Settings()) is None


def test_key_and_certificate_may_be_one_file(files: Files) -> None:
    both = files.certificate.read_bytes() + files.key.read_bytes()
    files.certificate.write_bytes(both)
    assert server_tls(Settings(ssl_certfile=files.certificate)) is not None


def test_an_encrypted_key_is_opened_with_its_password(files: Files) -> None:
    encrypt(files.key)
    assert server_tls(settings_of(files, ssl_keyfile_password=SecretStr(PASSWORD))) is not None


@pytest.mark.parametrize(
    ("setting", "value"),
    [("ssl_keyfile", "key.pem"), ("ssl_keyfile_password", "x"), ("ssl_ca_certs", "ca.pem")],
)
def test_what_is_of_no_use_without_a_certificate_is_refused(setting: str, value: str) -> None:
    """Authorities alone would let everybody in, over plain HTTP."""
    line = refused(Settings.model_validate({setting: value}))
    assert line.startswith(f"XCOPA_{setting.upper()} is set and XCOPA_SSL_CERTFILE is not")


@pytest.mark.parametrize("setting", ["ssl_certfile", "ssl_keyfile", "ssl_ca_certs"])
def test_a_file_that_is_not_there_is_named_with_its_variable(files: Files, setting: str) -> None:
    line = refused(settings_of(files, **{setting: Path("/none.pem")}))
    assert line == f"XCOPA_{setting.upper()}: cannot read /none.pem: No such file or directory"


def test_a_file_that_may_not_be_read_is_named(files: Files) -> None:
    files.key.chmod(0)
    with unprivileged():
        line = refused(settings_of(files))
    assert line == f"XCOPA_SSL_KEYFILE: cannot read {files.key}: Permission denied"


def test_the_key_of_another_certificate_is_refused(files: Files, authority: Authority) -> None:
    other = authority.issue("other", "localhost")
    line = refused(settings_of(files, ssl_keyfile=other.key))
    assert line.startswith(f"XCOPA_SSL_KEYFILE: {other.key} is not the key of the certificate")


def test_an_encrypted_key_without_its_password_is_refused_and_nobody_is_asked(
    files: Files,
) -> None:
    """OpenSSL would ask at the terminal, and wait."""
    encrypt(files.key)
    line = refused(settings_of(files))
    assert line.startswith("XCOPA_SSL_KEYFILE_PASSWORD: the key in")
    assert line.endswith("is encrypted; set its password")


@pytest.mark.parametrize("wrong", ["wrong", "x" * 2_000])
def test_a_wrong_password_is_refused_and_not_said(files: Files, wrong: str) -> None:
    encrypt(files.key)
    line = refused(settings_of(files, ssl_keyfile_password=SecretStr(wrong)))
    assert line.startswith("XCOPA_SSL_KEYFILE_PASSWORD: this is not the password")
    assert wrong not in line.replace("wrong_", "")


@pytest.mark.parametrize("setting", ["ssl_certfile", "ssl_keyfile", "ssl_ca_certs"])
def test_what_is_no_pem_is_named(files: Files, setting: str, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("nothing of use", encoding="utf-8")
    line = refused(settings_of(files, **{setting: other}))
    assert line.startswith(f"XCOPA_{setting.upper()}: {other} holds no")


def test_a_certificate_without_a_key_says_where_the_key_goes(files: Files) -> None:
    line = refused(Settings(ssl_certfile=files.certificate))
    assert line.startswith(f"XCOPA_SSL_CERTFILE: {files.certificate} holds no private key")
    assert "XCOPA_SSL_KEYFILE names" in line


def test_a_damaged_file_is_refused(files: Files) -> None:
    text = files.certificate.read_text(encoding="utf-8")
    files.certificate.write_text(text.replace("MII", "???"), encoding="utf-8")
    assert refused(settings_of(files)).startswith("XCOPA_SSL_CERTFILE, XCOPA_SSL_KEYFILE: ")


def test_files_that_stay_are_read_once(files: Files) -> None:
    tls = ServerTls(settings_of(files))
    assert tls.context() is tls.context()


def test_a_renewed_certificate_is_taken_when_its_key_has_come_too(
    files: Files, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """cert-manager, certbot and people write two files, one after the other."""
    tls = ServerTls(settings_of(files))
    before, old_key = tls.context(), files.key.read_bytes()
    authority.issue("service", "localhost")
    new_key = files.key.read_bytes()
    files.key.write_bytes(old_key)
    assert tls.context() is before
    assert tls.context() is before
    assert caplog.text.count("the one before stays in use: XCOPA_SSL_KEYFILE") == 1
    files.key.write_bytes(new_key)
    with caplog.at_level(logging.INFO):
        assert tls.context() is not before
    assert "new connections are given the new one" in caplog.text


def test_a_certificate_that_is_gone_stays_in_use(files: Files) -> None:
    tls = ServerTls(settings_of(files))
    before = tls.context()
    files.certificate.unlink()
    assert tls.context() is before


def test_a_directory_that_a_link_points_to_may_be_replaced(
    tmp_path: Path, authority: Authority
) -> None:
    """Kubernetes renews a mounted Secret so: ``..data`` then points to a new directory."""
    for stem in ("one", "two"):
        issued, place = authority.issue(stem, "localhost"), tmp_path / stem
        place.mkdir()
        issued.certificate.rename(place / "tls.crt")
        issued.key.rename(place / "tls.key")
    data = tmp_path / "..data"
    data.symlink_to(tmp_path / "one")
    tls = ServerTls(settings_of(Files(data / "tls.crt", data / "tls.key")))
    before = tls.context()
    data.unlink()
    data.symlink_to(tmp_path / "two")
    assert tls.context() is not before


def test_the_password_is_in_no_repr(files: Files) -> None:
    settings = settings_of(files, ssl_keyfile_password=SecretStr(PASSWORD))
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in str(settings.model_dump())
