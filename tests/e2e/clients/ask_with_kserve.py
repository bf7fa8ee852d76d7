"""Asks with KServe's Python client, in an environment of its own; writes what it answered.

Usage: ``python ask_with_kserve.py URL < items.json``
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

FIELDS = ("premise", "choice1", "choice2", "question")


def request(items: list[dict[str, str]], model: str, binary: bool, **more: Any) -> InferRequest:
    inputs = []
    for field in FIELDS:
        tensor = InferInput(field, [len(items)], "BYTES")
        texts = np.array([item[field].encode() for item in items], dtype=np.object_)
        tensor.set_data_from_numpy(texts, binary_data=binary)
        inputs.append(tensor)
    return InferRequest(model_name=model, infer_inputs=inputs, **more)


async def ask(url: str, items: list[dict[str, str]]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    async with InferenceRESTClient(RESTConfig(protocol="v2", timeout=60)) as client:
        answers["live"] = await client.is_server_live(url)
        answers["ready"] = await client.is_server_ready(url)
        answers["models"] = [await client.is_model_ready(url, m) for m in ("direct", "large")]
        for binary in (False, True):
            wanted = [
                RequestedOutput(name, {"binary_data": binary}) for name in ("logits", "label")
            ]
            asked = request(items, "direct", binary, request_outputs=wanted, request_id="mine")
            response = await client.infer(url, asked, model_name="direct")
            answers["binary" if binary else "json"] = {
                "id": response.id,
                **{each.name: each.as_numpy().tolist() for each in response.outputs},
            }
        blank = request([{**items[0], "premise": " "}], "direct", binary=False)
        try:
            await client.infer(url, blank, model_name="direct")
        except httpx.HTTPStatusError as error:
            answers["error"] = str(error)
    return answers


if __name__ == "__main__":
    json.dump(asyncio.run(ask(sys.argv[1], json.load(sys.stdin))), sys.stdout)
