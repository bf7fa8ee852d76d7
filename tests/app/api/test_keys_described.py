"""What OpenAPI says of keys, where they are checked and where they are not."""

from __future__ import annotations

from typing import Any

import pytest

from app.keys.keys_file import add_key
from app.main import create_app
from app.settings import Settings

EITHER: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]
PROBES = {
    *("/livez", "/readyz", "/startupz", "/metrics", "/v2/health/live", "/v2/health/ready"),
    "/v2/models/{name}/ready",
}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("keys") / "keys"
    add_key(path, "alice")
    app = create_app(Settings(api_keys_file=path))
    app.openapi()
    return app.openapi()


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        path: operation for path, item in described["paths"].items() for operation in item.values()
    }


def test_keys_are_described_as_a_bearer_token_or_a_header(described: dict[str, Any]) -> None:
    assert described["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }


def test_every_operation_but_the_probes_needs_one(described: dict[str, Any]) -> None:
    security = {path: each["security"] for path, each in operations(described).items()}
    assert {path for path in security if security[path] == []} == PROBES
    assert all(security[path] == EITHER for path in security.keys() - PROBES)


def test_what_needs_a_key_may_answer_401_and_403_in_the_form_of_its_route(
    described: dict[str, Any],
) -> None:
    for path, operation in operations(described).items():
        answers = operation["responses"]
        assert ("401" in answers) is (path not in PROBES), path
        if path in PROBES:
            continue
        assert "403" in answers
        assert "WWW-Authenticate" in answers["401"]["headers"]
        kind = "application/json" if path.startswith("/v2") else "application/problem+json"
        assert set(answers["401"]["content"]) == {kind}


def test_a_route_keeps_what_it_says_itself(described: dict[str, Any]) -> None:
    answers = described["paths"]["/v2/models/{name}/infer"]["post"]["responses"]
    assert answers["400"]["description"] == "An input is wrong"
    assert "API key" in answers["429"]["description"]


def test_without_keys_none_is_described() -> None:
    described = create_app(Settings()).openapi()
    assert "securitySchemes" not in described["components"]
    assert [each for each in operations(described).values() if "security" in each] == []
