"""What the server says of itself and of its models, in every state of its life."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app import __version__
from app.errors import UnavailableError
from tests.app.api.open_inference.test_infer import Card
from tests.app.api.stand_in import StandInRuntime, application, fetch

pytestmark = pytest.mark.anyio


class LoadingRuntime(StandInRuntime):
    """Has no models yet."""

    def __init__(self) -> None:
        self.ready = False

    @property
    def served(self) -> Any:
        raise UnavailableError("the models are loading", retry_after=2.0)

    @served.setter
    def served(self, value: object) -> None:
        raise AttributeError


async def get(path: str, runtime: StandInRuntime | None = None) -> httpx.Response:
    served = {"direct": Card(), "stilts": Card()}
    return await fetch(application(runtime or StandInRuntime(served=served)), path)


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
async def test_the_server_says_what_it_is(path: str) -> None:
    assert (await get(path)).json() == {
        "name": "xcopa",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }


@pytest.mark.parametrize("path", ["/v2/models/direct", "/v2/models/direct/versions/abc"])
async def test_a_model_says_what_it_takes_and_gives(path: str) -> None:
    said = (await get(path)).json()
    assert (said["name"], said["versions"], said["platform"]) == (
        "direct",
        ["abc"],
        "pytorch_safetensors",
    )
    assert said["inputs"] == [
        {"name": name, "datatype": "BYTES", "shape": [-1]}
        for name in ("premise", "choice1", "choice2", "question")
    ]
    assert said["outputs"] == [
        {"name": "logits", "datatype": "FP32", "shape": [-1, 2]},
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
        {"name": "label", "datatype": "INT64", "shape": [-1]},
    ]


@pytest.mark.parametrize("path", ["/v2/models/large", "/v2/models/direct/versions/2"])
@pytest.mark.parametrize("end", ["", "/ready"])
async def test_a_model_that_is_not_served_is_404(path: str, end: str) -> None:
    response = await get(path + end)
    assert response.status_code == 404
    assert set(response.json()) == {"error"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/direct/ready", {"name": "direct", "ready": True}),
        ("/v2/models/direct/versions/abc/ready", {"name": "direct", "ready": True}),
    ],
)
async def test_ready_is_what_the_service_says_of_itself(path: str, said: dict[str, Any]) -> None:
    response = await get(path)
    assert (response.status_code, response.json()) == (200, said)
    leaving = StandInRuntime(served={"direct": Card()}, ready=False)
    response = await get(path, leaving)
    assert (response.status_code, response.json()) == (503, {**said, "ready": False})


async def test_while_the_models_load_it_is_live_and_not_ready() -> None:
    assert (await get("/v2/health/live", LoadingRuntime())).json() == {"live": True}
    assert (await get("/v2/health/ready", LoadingRuntime())).status_code == 503
    response = await get("/v2/models/direct/ready", LoadingRuntime())
    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"
    assert response.json() == {"error": "the models are loading"}
