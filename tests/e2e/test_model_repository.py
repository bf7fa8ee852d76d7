"""Models are loaded, replaced and unloaded while a real service is asked all the time."""

from __future__ import annotations

import json
import shutil
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
import psutil
import pytest
import tritonclient.http
from tritonclient.utils import InferenceServerException

from app.keys.keys_file import add_key
from tests import tiny
from tests.chaos.client import PREDICT, BrokenConnectionError, Crowd, call, close_to, item
from tests.chaos.service import Footprint, lives, wait_until
from tests.e2e.server import ServerProcess

pytestmark = pytest.mark.slow

CALLERS = 6
CALL_LIMIT_S = 60.0
PAUSE_S = 0.02
"""Of callers, so that models, which are loaded at a low priority, are loaded in the end."""

CHANGE_LIMIT_S = 600
ENGINES = 2


@dataclass
class Service:
    """A service whose models may be changed, its keys, and the folders of its models."""

    server: ServerProcess
    admin: str
    user: str
    folder: Path
    seeds: Iterator[int] = field(default_factory=lambda: iter(range(100, 200)))

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"X-API-Key": self.user if key is None else key} if key != "" else {}
        return httpx.Client(base_url=self.server.url, headers=headers, timeout=CHANGE_LIMIT_S)

    def post(self, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        with self.client(key) as client:
            return client.post(path, json=body)

    def change(self, model: str, what: str = "load", **parameters: object) -> httpx.Response:
        body = {"parameters": parameters} if parameters else None
        return self.post(f"/v2/repository/models/{model}/{what}", body, self.admin)

    def index(self, **body: object) -> dict[str, dict[str, str]]:
        response = self.post("/v2/repository/index", body, self.admin)
        assert response.status_code == HTTPStatus.OK, response.text
        return {each["name"]: each for each in response.json()}

    def checkpoint(self) -> Path:
        """Write a model that differs from all others."""
        seed = next(self.seeds)
        return tiny.multiple_choice(self.folder / f"made-{seed}", seed)

    @property
    def cards(self) -> dict[str, dict[str, object]]:
        with self.client() as client:
            return {each["name"]: each for each in client.get("/models").json()["models"]}

    def revision(self, model: str) -> str:
        return str(self.cards[model]["revision"])

    def metrics(self) -> str:
        with self.client() as client:
            return client.get("/metrics").text

    @property
    def processes(self) -> set[int]:
        return {each.pid for each in psutil.Process(self.server.process.pid).children(True)}


def start(folder: Path, **settings: str) -> Service:
    keys = folder / "keys"
    admin, user = add_key(keys, "ops", admin=True), add_key(keys, "app")
    sources = {
        f"XCOPA_MODELS__{name.upper()}": str(tiny.multiple_choice(folder / name, seed))
        for seed, name in enumerate(("direct", "stilts"), 11)
    }
    server = ServerProcess(
        XCOPA_ENGINES=str(ENGINES),
        XCOPA_THREADS=str(ENGINES),
        XCOPA_BATCH_TOKENS="256",
        XCOPA_CACHE_BYTES="1000000",
        XCOPA_MODEL_CONTROL="true",
        XCOPA_API_KEYS_FILE=str(keys),
        XCOPA_CACHE_DIR=str(folder / "cache"),
        **{**sources, **settings},
    )
    server.wait_until_ready()
    return Service(server, admin, user, folder)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = start(tmp_path_factory.mktemp("repository"))
    with made.server:
        yield made


@dataclass(frozen=True)
class Seen:
    """What one call of a caller brought."""

    number: int
    began: float
    ended: float
    status: int
    revision: str = ""
    logits: tuple[float, ...] = ()


def crowd_of(service: Service, model: str) -> Crowd[Seen]:
    def act(number: int) -> Seen:
        time.sleep(PAUSE_S)
        began = time.monotonic()
        body = {**item(number), "model": model}
        reply = call(service.server.url, PREDICT, body, X_API_Key=service.user)
        ended = time.monotonic()
        if reply.status != HTTPStatus.OK:
            return Seen(number, began, ended, reply.status, reply.text)
        return Seen(number, began, ended, reply.status, reply.json["revision"], tuple(reply.logits))

    return Crowd(CALLERS, act)


def logits_of(service: Service, model: str) -> list[list[float]]:
    with service.client() as client:
        asked = [
            client.post("/predict/xcopa", json={**item(number), "model": model})
            for number in range(CALLERS)
        ]
    return [response.json()["logits"] for response in asked]


def test_a_model_is_replaced_under_load_without_a_lost_call(service: Service) -> None:
    old, others = service.revision("direct"), service.revision("stilts")
    expected = {old: logits_of(service, "direct")}
    measured = service.cards["direct"]["batching"]
    processes, held = service.processes, Footprint.of(service.server.process.pid)
    with crowd_of(service, "direct") as crowd, service.client() as watching:
        stopped, states = threading.Event(), []

        def watch() -> None:
            while not stopped.wait(PAUSE_S):
                states.append(watching.get("/readyz").status_code)

        watcher = threading.Thread(target=watch)
        watcher.start()
        asked = time.monotonic()
        response = service.change("direct", source=str(service.checkpoint()))
        answered = time.monotonic()
        time.sleep(0.2)  # some calls after it
        stopped.set()
        watcher.join()
        seen = crowd.stop()
    assert response.status_code == HTTPStatus.OK, response.text
    assert response.content == b""
    new = service.revision("direct")
    assert new != old
    assert service.revision("stilts") == others
    expected[new] = logits_of(service, "direct")
    assert {each.status for each in seen} == {HTTPStatus.OK}, "no call was lost"
    for each in seen:
        assert list(each.logits) == close_to(expected[each.revision][each.number])
    assert {each.revision for each in seen if each.ended < asked} <= {old}
    assert {each.revision for each in seen if each.began > answered} == {new}
    assert {each.revision for each in seen} == {old, new}
    assert set(states) == {HTTPStatus.OK}, "it was ready throughout"
    assert service.cards["direct"]["batching"] == measured, "nothing is measured beside load"
    assert not processes & service.processes, "those of the old models are no more"
    assert len(service.processes) == len(processes)
    wait_until(
        lambda: Footprint.of(service.server.process.pid).descriptors <= held.descriptors + CALLERS,
        "the service keeps nothing of the old models",
    )


def test_a_new_model_is_loaded_known_everywhere_and_unloaded(service: Service) -> None:
    source = str(service.checkpoint())
    nameless = service.change("mnli")
    assert nameless.status_code == HTTPStatus.BAD_REQUEST
    assert "parameters.source: is required" in nameless.json()["error"]
    assert service.change("mnli", source=source).status_code == HTTPStatus.OK
    revision = service.revision("mnli")
    assert service.cards["mnli"]["source"] == source
    assert service.index()["mnli"] == {
        "name": "mnli",
        "version": revision,
        "state": "READY",
        "reason": "",
    }
    compared = service.post("/compare/xcopa", item(0)).json()
    assert list(compared["predictions"]) == ["direct", "stilts", "mnli"]
    assert compared["predictions"]["mnli"]["revision"] == revision
    assert service.post("/predict/xcopa", {**item(0), "model": "x"}).json()["errors"] == [
        {"field": "model", "message": "must be 'direct', 'stilts' or 'mnli'"}
    ]
    assert 'xcopa_items_total{model="mnli",outcome="answered"} 1.0' in service.metrics()
    assert 'xcopa_queue_items{model="mnli"} 0.0' in service.metrics()
    with service.client() as client:
        described = client.get("/openapi.json").text
        assert '"enum":["direct","stilts","mnli"]' in described
        assert client.get("/v2/models/mnli/ready").status_code == HTTPStatus.OK

    assert service.change("mnli", "unload").status_code == HTTPStatus.OK
    assert set(service.cards) == {"direct", "stilts"}
    assert service.index()["mnli"]["state"] == "UNAVAILABLE"
    assert set(service.index(ready=True)) == {"direct", "stilts"}
    refused = service.post("/predict/xcopa", {**item(0), "model": "mnli"})
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    scraped = service.metrics()
    assert 'xcopa_queue_items{model="mnli"}' not in scraped
    assert "xcopa_model_info{" in scraped
    assert f'revision="{revision}"' not in scraped
    assert 'xcopa_items_total{model="mnli",outcome="answered"} 1.0' in scraped, "a count stays"
    with service.client() as client:
        assert '"enum":["direct","stilts"]' in client.get("/openapi.json").text


def cut(folder: Path) -> str:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-64])
    return "model.safetensors"


def with_another_tokenizer(folder: Path) -> str:
    saved = json.loads((folder / "tokenizer.json").read_text())
    saved["model"]["vocab"] = saved["model"]["vocab"][:100]
    (folder / "tokenizer.json").write_text(json.dumps(saved))
    return "another model's tokenizer"


def gone(folder: Path) -> str:
    shutil.rmtree(folder)
    return "is not a directory: there is nothing there"


@pytest.mark.parametrize("spoil", [cut, with_another_tokenizer, gone])
def test_a_load_that_fails_leaves_all_as_it_was(service: Service, spoil: object) -> None:
    assert callable(spoil)
    folder = service.checkpoint()
    reason = spoil(folder)
    revisions = {name: card["revision"] for name, card in service.cards.items()}
    processes = service.processes
    response = service.change("direct", source=str(folder))
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    said = response.json()["error"]
    assert said.startswith("source of direct: ")
    assert reason in said
    assert "\n" not in said
    assert {name: card["revision"] for name, card in service.cards.items()} == revisions
    wait_until(lambda: service.processes == processes, "only the processes of before are there")
    assert service.index()["direct"] == {
        "name": "direct",
        "version": revisions["direct"],
        "state": "READY",
        "reason": said,
    }
    assert service.post("/predict/xcopa", item(0)).status_code == HTTPStatus.OK


def test_memory_that_would_not_suffice_is_refused_before_anything_is_loaded(
    service: Service,
) -> None:
    folder = service.checkpoint()
    header = json.dumps(
        {"w": {"dtype": "F32", "shape": [1 << 22, 1 << 22], "data_offsets": [0, 1 << 46]}}
    ).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    processes = service.processes
    response = service.change("direct", source=str(folder))
    assert response.status_code == HTTPStatus.INSUFFICIENT_STORAGE
    assert "MB are free; nothing was loaded" in response.json()["error"]
    assert service.processes == processes


def test_there_is_one_change_at_a_time(service: Service) -> None:
    sources = [str(service.checkpoint()) for _ in range(2)]
    with ThreadPoolExecutor() as threads:
        changes = [
            threads.submit(service.change, name, source=source)
            for name, source in zip(("direct", "stilts"), sources, strict=True)
        ]
        statuses = sorted(each.result().status_code for each in changes)
    assert statuses == [HTTPStatus.OK, HTTPStatus.CONFLICT]


def test_a_model_whose_files_changed_is_not_replaced_unasked(service: Service) -> None:
    source = service.checkpoint()
    assert service.change("stilts", source=str(source)).status_code == HTTPStatus.OK
    before = service.revision("stilts")
    tiny.multiple_choice(source, next(service.seeds))
    refused = service.change("direct", source=str(service.checkpoint()))
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "the files of stilts have changed since it was loaded" in refused.json()["error"]
    assert service.revision("stilts") == before
    assert service.change("direct", also=["stilts"]).status_code == HTTPStatus.OK
    assert service.revision("stilts") != before


def test_what_answers_requests_that_name_no_model_stays(service: Service) -> None:
    response = service.change("stilts", "unload")
    assert response.status_code == HTTPStatus.CONFLICT
    assert "XCOPA_DEFAULT_MODEL" in response.json()["error"]
    assert service.change("nobody", "unload").status_code == HTTPStatus.NOT_FOUND


def test_only_an_admin_s_key_changes_models(service: Service) -> None:
    for path in ("index", "models/direct/load", "models/direct/unload"):
        assert service.post(f"/v2/repository/{path}", key="").status_code == 401
        refused = service.post(f"/v2/repository/{path}")
        assert refused.status_code == HTTPStatus.FORBIDDEN
        assert "the key app may not change models" in refused.json()["error"]
    assert service.post("/predict/xcopa", item(0), service.admin).status_code == HTTPStatus.OK


def test_triton_s_client_changes_models(service: Service) -> None:
    address = service.server.url.removeprefix("http://")
    headers = {"X-API-Key": service.admin}
    client = tritonclient.http.InferenceServerClient(address, network_timeout=CHANGE_LIMIT_S)
    before = service.revision("direct")
    tiny.multiple_choice(Path(str(service.cards["direct"]["source"])), next(service.seeds))
    client.load_model("direct", headers=headers)
    assert service.revision("direct") != before, "what its source holds now"
    index = client.get_model_repository_index(headers=headers)
    assert {each["name"]: each["version"] for each in index if each["state"] == "READY"} == {
        name: card["revision"] for name, card in service.cards.items()
    }
    assert "model_repository" in client.get_server_metadata(headers=headers)["extensions"]
    for brought in ({"config": "{}"}, {"config": "{}", "files": {"file:1/model": b"x"}}):
        with pytest.raises(InferenceServerException, match="is not taken"):
            client.load_model("direct", headers=headers, **brought)
    with pytest.raises(InferenceServerException, match="XCOPA_DEFAULT_MODEL"):
        client.unload_model("stilts", headers=headers)
    client.close()


def test_told_to_stop_in_the_midst_of_a_change_it_ends_in_order(tmp_path: Path) -> None:
    service = start(tmp_path)
    with service.server, ThreadPoolExecutor() as threads:
        changing = threads.submit(service.change, "direct", source=str(service.checkpoint()))
        before = service.processes
        wait_until(lambda: bool(service.processes - before), "another template is there")
        everybody = service.processes
        with crowd_of(service, "direct") as crowd:
            service.server.terminate()
            status = service.server.exit_status()
            with pytest.raises((BrokenConnectionError, ConnectionRefusedError)):
                crowd.stop()
        assert status == 0
        assert changing.result().status_code == HTTPStatus.SERVICE_UNAVAILABLE
        wait_until(lambda: not any(map(lives, everybody)), "nobody outlives the service")
