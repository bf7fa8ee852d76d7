"""Settings as every process reads them: what is wrong is one error, what is ignored is named."""

from __future__ import annotations

import pytest

from app.errors import StartError
from app.read_settings import log_remarks, read_settings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("XCOPA_PORT", "eighty", "XCOPA_PORT: Input should be a valid integer"),
        ("XCOPA_MODELS", "not JSON", "XCOPA_MODELS__DIRECT"),
        ("HF_HUB_ETAG_TIMEOUT", "soon", "HF_HUB_ETAG_TIMEOUT must be a whole number of seconds"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_variable(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartError) as failed:
        read_settings()
    assert says in str(failed.value)
    assert "\n" not in str(failed.value)


def test_what_is_no_setting_is_named_with_those_that_are_near(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XCOPA_TREADS", "3")
    log_remarks(read_settings())
    [line] = [record.getMessage() for record in caplog.records]
    assert "XCOPA_TREADS is no setting" in line
    assert "XCOPA_THREADS" in line
