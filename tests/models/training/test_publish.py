"""What training writes is what the service loads, and nothing beside it."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch.nn import functional
from transformers import XLMRobertaForMultipleChoice

from app.engine.prompt import Prompt
from app.errors import StartError
from app.weights.variant import load_variants
from models.training.batch import make_inputs
from models.training.errors import NotFiniteError
from models.training.example_tokenizer import Encoded
from models.training.network import Network
from models.training.publish import publish
from models.training.recipe import Full, LowRank
from tests.models.training.networks import LORA, PADDING, ROWS, network, recipe

TUNINGS = [LORA, Full()]
ADAPTER = ["adapter_config.json", "adapter_model.safetensors", "xcopa.json"]
CHECKPOINT = ["config.json", "model.safetensors", "tokenizer.json", "xcopa.json"]


def published(made: Network, base: Path, tuning: LowRank | Full, out: Path) -> Path:
    """Publish a network as a variant of the base, as the last phase leaves it."""
    out.mkdir(exist_ok=True)
    weights = {name: weight.detach() for name, weight in made.trained().items()}
    publish(recipe(tuning, base=str(base)), base, weights, out)
    return out


def in_transformers(folder: Path, base: Path) -> XLMRobertaForMultipleChoice:
    if not (folder / "adapter_config.json").exists():
        return XLMRobertaForMultipleChoice.from_pretrained(folder).eval()
    model = XLMRobertaForMultipleChoice.from_pretrained(base)
    return PeftModel.from_pretrained(model, str(folder)).eval()


@pytest.mark.parametrize("tuning", TUNINGS)
def test_what_is_published_scores_as_the_network_does(
    base: Path, tmp_path: Path, tuning: LowRank | Full
) -> None:
    made = network(base, tuning)
    model = in_transformers(published(made, base, tuning, tmp_path), base)
    ids = torch.tensor([[[*ROWS[0], 1, 1], [*ROWS[1]]]])
    with torch.no_grad():
        theirs = model(input_ids=ids, attention_mask=(ids != PADDING).long()).logits[0]
        batch = make_inputs("multiple-choice", [Encoded(ROWS[:2], (0,))], PADDING)
        ours = made.eval()(batch).loss
    expected = functional.cross_entropy(theirs[None], torch.tensor([0]))
    assert ours.item() == pytest.approx(expected.item(), abs=2e-3), "half precision at the most"


@pytest.mark.parametrize("tuning", TUNINGS)
def test_the_service_answers_with_what_is_published(
    base: Path, tmp_path: Path, tuning: LowRank | Full
) -> None:
    folder = published(network(base, tuning), base, tuning, tmp_path)
    served = load_variants({"direct": str(folder)}, Path())["direct"]
    with torch.no_grad():
        ids = torch.tensor([[ROWS[1]]])
        theirs = in_transformers(folder, base)(input_ids=ids).logits.item()
    assert served.engine.logits([ROWS[1]]) == pytest.approx([theirs], abs=2e-3)
    assert served.tokenizer.prompt == Prompt("Why?", "So?")


@pytest.mark.parametrize(("tuning", "files"), [(LORA, ADAPTER), (Full(), CHECKPOINT)])
def test_only_what_a_model_needs_is_written_and_all_may_read_it(
    base: Path, tmp_path: Path, tuning: LowRank | Full, files: list[str]
) -> None:
    folder = published(network(base, tuning), base, tuning, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == files
    private = [path.name for path in folder.iterdir() if not path.stat().st_mode & stat.S_IROTH]
    assert private == [], "an image or another user could not load it"


def test_an_adapter_holds_its_updates_and_the_head_in_half_precision(
    base: Path, tmp_path: Path
) -> None:
    weights = load_file(
        published(network(base), base, LORA, tmp_path) / "adapter_model.safetensors"
    )
    assert {weight.dtype for weight in weights.values()} == {torch.float16}
    rest = [name for name in weights if ".lora_A." not in name and ".lora_B." not in name]
    assert sorted(name.removeprefix("base_model.model.") for name in rest) == [
        *("classifier.bias", "classifier.weight"),
        *("roberta.pooler.dense.bias", "roberta.pooler.dense.weight"),
    ]
    # Two layers with six linear layers each, and two factors to a layer.
    assert len(weights) - len(rest) == 2 * 6 * 2


def test_an_adapter_names_its_base_by_the_name_that_travels(base: Path, tmp_path: Path) -> None:
    weights = {name: weight.detach() for name, weight in network(base).trained().items()}
    publish(recipe(base="embedded:multilingual-e5-small"), base, weights, tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == "embedded:multilingual-e5-small"
    assert (config["r"], config["lora_alpha"]) == (LORA.rank, LORA.alpha)


def test_a_checkpoint_takes_over_the_tokenizer_files_that_the_base_has(
    base: Path, tmp_path: Path
) -> None:
    full = tmp_path / "base"
    shutil.copytree(base, full)
    (full / "tokenizer_config.json").write_text('{"model_max_length": 256}', "utf-8")
    folder = published(network(full, Full()), full, Full(), tmp_path / "out")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (folder / name).read_bytes() == (full / name).read_bytes()


@pytest.mark.parametrize(("largest", "of"), [(7e4, "in half precision"), (float("nan"), "NaN")])
def test_what_half_precision_makes_infinite_is_not_published(
    base: Path, tmp_path: Path, largest: float, of: str
) -> None:
    """7e4 is a number in fp32, which training checks, and none in the published file."""
    made = network(base)
    [weight, *_] = [each for name, each in made.trained().items() if "lora_B" in name]
    weight.data[0, 0] = largest
    with pytest.raises(NotFiniteError, match=of):
        published(made, base, LORA, tmp_path)


def test_a_checkpoint_with_a_weight_that_is_no_number_is_not_published(
    base: Path, tmp_path: Path
) -> None:
    made = network(base, Full())
    made.trained()["encoder.encoder.layer.0.output.dense.bias"].data[3] = float("inf")
    with pytest.raises(StartError, match="NaN or infinity"):
        published(made, base, Full(), tmp_path)
