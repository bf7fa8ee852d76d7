"""A tokenizer and a model belong together when the ids of one mean something to the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, processors
from tokenizers.models import BPE, Model, WordLevel
from transformers import XLMRobertaConfig

from app.errors import StartError
from app.weights.fitting import check_tokenizer
from tests import tiny

PATH = Path("model") / "tokenizer.json"
WORDS = {f"w{number}": number for number in range(100)}


def with_pieces(count: int) -> Tokenizer:
    """Return a tokenizer of that many pieces which puts ``<s>`` and ``</s>`` where XLM-R does."""
    words = ["<s>", "<pad>", "</s>", "<unk>", *(f"w{number}" for number in range(count - 4))]
    made = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>"))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return made


def refusal(tokenizer: Tokenizer, config: XLMRobertaConfig) -> str:
    with pytest.raises(StartError) as stopped:
        check_tokenizer(tokenizer, config, PATH)
    return str(stopped.value)


@pytest.mark.parametrize("pieces", [90, 95, 100])
def test_a_table_may_be_a_tenth_larger_than_its_vocabulary(pieces: int) -> None:
    check_tokenizer(with_pieces(pieces), tiny.config(vocab_size=100), PATH)


@pytest.mark.parametrize("pieces", [50, 89, 101])
def test_a_tokenizer_of_another_size_is_another_models(pieces: int) -> None:
    assert refusal(with_pieces(pieces), tiny.config(vocab_size=100)) == (
        f"{PATH} has {pieces} pieces and its model 100: it is another model's tokenizer"
    )


def test_tokens_that_were_added_beyond_the_table_are_counted() -> None:
    made = with_pieces(100)
    check_tokenizer(made, tiny.config(vocab_size=100), PATH)
    made.add_tokens(["<new>"])
    assert "has 101 pieces" in refusal(made, tiny.config(vocab_size=100))


def test_ids_with_gaps_passed_and_pointed_behind_the_table() -> None:
    """The number of pieces was compared: one missing id, and the last one had no row."""
    words = {f"w{number}": number for number in range(101) if number != 50}
    gapped = Tokenizer(WordLevel(words, unk_token="w0"))
    assert "has 101 pieces" in refusal(gapped, tiny.config(vocab_size=100))


def test_a_tokenizer_without_a_piece_is_refused() -> None:
    assert "has 0 pieces" in refusal(Tokenizer(BPE()), tiny.config(vocab_size=100))


@pytest.mark.parametrize("other", [{"bos_token_id": 101}, {"eos_token_id": 101}])
def test_ends_that_mean_something_else_to_the_model_are_refused(other: dict[str, int]) -> None:
    config = tiny.config(vocab_size=100, **other)
    assert refusal(with_pieces(100), config) == (
        f"{PATH} does not put <s> first and </s> last, as ids {config.bos_token_id} and "
        f"{config.eos_token_id}: it is another model's tokenizer, or was saved without its "
        "post-processor"
    )


@pytest.mark.parametrize("model", [WordLevel(WORDS, unk_token="w5"), BPE(WORDS, [])])
def test_a_tokenizer_without_its_post_processor_is_refused(model: Model) -> None:
    """What the second does not know it leaves out, so it makes nothing at all of a text."""
    assert "saved without its post-processor" in refusal(
        Tokenizer(model), tiny.config(vocab_size=100)
    )


def test_a_tokenizer_that_knows_what_to_put_around_one_text_alone_is_refused() -> None:
    """Rows are pairs of texts."""
    single = with_pieces(100)
    single.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="$A $B", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    assert "saved without its post-processor" in refusal(single, tiny.config(vocab_size=100))


def test_a_tokenizer_that_cannot_read_a_text_was_a_traceback() -> None:
    broken = Tokenizer(WordLevel(WORDS, unk_token="<unk>"))
    assert refusal(broken, tiny.config(vocab_size=100)) == (
        f"{PATH} cannot read a text: WordLevel error: Missing [UNK] token from the vocabulary"
    )
