"""NVIDIA's ``tritonclient[http]``, unchanged, against the real server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from tests.sample import sample_items

MODELS = ("direct", "stilts")
FIELDS = ("premise", "choice1", "choice2", "question")
OUTPUTS = ("label", "logits", "probabilities")
ITEMS = sample_items()
GOOD, BLANK = ITEMS[0], {**ITEMS[0], "choice1": " "}


@pytest.fixture(scope="module")
def server(tiny_client: httpx.Client) -> Iterator[Any]:
    made = triton.InferenceServerClient(urlsplit(str(tiny_client.base_url)).netloc, concurrency=4)
    yield made
    made.close()


def inputs(items: Sequence[dict[str, str]], binary: bool = True, column: bool = False) -> list[Any]:
    shape = [len(items), 1] if column else [len(items)]
    tensors = []
    for field in FIELDS:
        tensor = triton.InferInput(field, shape, "BYTES")
        texts = np.array([item[field].encode() for item in items], dtype=np.object_)
        tensor.set_data_from_numpy(texts.reshape(shape), binary_data=binary)
        tensors.append(tensor)
    return tensors


def predictions(client: httpx.Client, model: str, field: str) -> NDArray[Any]:
    response = client.post("/predict/xcopa/batch", json={"items": ITEMS, "model": model})
    return np.array([each[field] for each in response.json()["predictions"]])


@pytest.fixture(scope="module")
def expected(tiny_client: httpx.Client) -> dict[str, NDArray[Any]]:
    return {name: predictions(tiny_client, "direct", name) for name in OUTPUTS}


def test_the_server_and_its_models_say_what_they_are(
    server: Any, tiny_client: httpx.Client
) -> None:
    assert server.is_server_live()
    assert server.is_server_ready()
    metadata = server.get_server_metadata()
    assert metadata["name"] == "xcopa"
    assert "binary_tensor_data" in metadata["extensions"]
    for card in tiny_client.get("/models").json()["models"]:
        name, revision = card["name"], card["revision"]
        assert server.is_model_ready(name)
        assert server.is_model_ready(name, revision)
        model = server.get_model_metadata(name, revision)
        assert model == server.get_model_metadata(name)
        assert model["versions"] == [revision]
        assert [each["name"] for each in model["inputs"]] == list(FIELDS)
        assert [each["name"] for each in model["outputs"]] == ["logits", "probabilities", "label"]


@pytest.mark.parametrize("column", [False, True], ids=["[n]", "[n, 1]"])
@pytest.mark.parametrize("binary_out", [None, False, True], ids=["default", "json", "binary"])
@pytest.mark.parametrize("binary_in", [False, True], ids=["json", "binary"])
def test_its_answers_are_those_of_the_batch_route(
    server: Any,
    expected: dict[str, NDArray[Any]],
    binary_in: bool,
    binary_out: bool | None,
    column: bool,
) -> None:
    wanted = (
        None
        if binary_out is None
        else [triton.InferRequestedOutput(name, binary_data=binary_out) for name in OUTPUTS]
    )
    result = server.infer("direct", inputs(ITEMS, binary_in, column), outputs=wanted)
    for name, values in expected.items():
        found = result.as_numpy(name)
        assert found.shape == values.shape
        np.testing.assert_allclose(found, values, atol=1e-4)
    assert result.as_numpy("logits").dtype == np.float32
    assert result.as_numpy("label").dtype == np.int64


def test_a_version_is_a_revision_and_the_id_is_echoed(
    server: Any, tiny_client: httpx.Client
) -> None:
    revision = server.get_model_metadata("stilts")["versions"][0]
    result = server.infer("stilts", inputs([GOOD]), model_version=revision, request_id="mine-1")
    response = result.get_response()
    assert (response["id"], response["model_name"]) == ("mine-1", "stilts")
    assert response["model_version"] == revision
    predicted = tiny_client.post("/predict/xcopa", json={**GOOD, "model": "stilts"}).json()
    assert predicted["revision"] == revision
    np.testing.assert_allclose(result.as_numpy("logits")[0], predicted["logits"], atol=1e-4)


def test_only_what_is_asked_for_comes_each_in_its_form(server: Any) -> None:
    wanted = [
        triton.InferRequestedOutput("probabilities", binary_data=True),
        triton.InferRequestedOutput("label", binary_data=False),
    ]
    result = server.infer("direct", inputs(ITEMS[:3]), outputs=wanted)
    probabilities, label = result.get_response()["outputs"]
    assert (probabilities["name"], probabilities["parameters"]) == (
        "probabilities",
        {"binary_data_size": 3 * 2 * 4},
    )
    assert "data" not in probabilities
    assert (label["name"], len(label["data"])) == ("label", 3)
    assert result.as_numpy("logits") is None


def test_calls_that_are_made_at_once_each_get_their_own_answer(server: Any) -> None:
    running = [server.async_infer("direct", inputs([item])) for item in ITEMS]
    alone = np.concatenate([each.get_result().as_numpy("logits") for each in running])
    together = server.infer("direct", inputs(ITEMS)).as_numpy("logits")
    np.testing.assert_allclose(alone, together, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "version", "items", "status", "says"),
    [
        ("large", "", [GOOD], "404", "no model 'large'"),
        ("direct", "7", [GOOD], "404", "not '7'"),
        ("direct", "", [GOOD, BLANK], "400", "choice1[1]: must not be blank"),
        ("direct", "", [GOOD, {**GOOD, "question": "why"}], "400", "question[1]: must be 'cause'"),
        ("direct", "", [{**GOOD, "choice2": "word " * 600}], "400", "choice2[0]: is too long"),
        ("direct", "", [GOOD] * 257, "413", "257 items"),
    ],
)
def test_an_error_is_the_protocols_and_names_the_item(
    server: Any, model: str, version: str, items: list[dict[str, str]], status: str, says: str
) -> None:
    with pytest.raises(InferenceServerException) as raised:
        server.infer(model, inputs(items), model_version=version)
    assert raised.value.status() == status
    assert says in raised.value.message()


def test_a_deadline_holds(server: Any) -> None:
    with pytest.raises(InferenceServerException) as raised:
        server.infer("direct", inputs([GOOD]), headers={"X-Request-Timeout-Ms": "0.001"})
    assert raised.value.status() == "504"


def test_an_output_that_is_none_is_named(server: Any) -> None:
    with pytest.raises(InferenceServerException, match=r"outputs\.scores: is no output"):
        server.infer("direct", inputs([GOOD]), outputs=[triton.InferRequestedOutput("scores")])


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_a_request_may_be_compressed(
    server: Any, tiny_client: httpx.Client, algorithm: str
) -> None:
    result = server.infer(
        "direct",
        inputs(ITEMS),
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    expected = predictions(tiny_client, "direct", "logits")
    np.testing.assert_allclose(result.as_numpy("logits"), expected, atol=1e-4)
