"""A visitor asks: answers side by side, why, examples, and what is wrong with a question."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Dialog, Route, expect

from tests.e2e.console.visit import Visit
from tests.sample import sample_items

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "${alert(1)} {{alert(1)}} javascript:alert(1)",
]


def compared(visit: Visit, item: dict[str, str]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = httpx.post(
        f"{visit.url}/compare/xcopa", json=item, timeout=60
    ).json()["predictions"]
    return found


def agreeing(visit: Visit, agree: bool) -> dict[str, str]:
    """A question of the sample on which the models agree, or do not."""
    return next(
        item
        for item in sample_items()
        if (len({each["label"] for each in compared(visit, item).values()}) == 1) is agree
    )


@pytest.mark.parametrize("agree", [True, False])
def test_the_models_answer_side_by_side(visit: Visit, agree: bool) -> None:
    item = agreeing(visit, agree)
    visit.ask_item(item)
    cards = visit.page.locator(".card")
    expect(cards).to_have_count(2)
    for card, (model, prediction) in zip(cards.all(), compared(visit, item).items(), strict=True):
        chosen = int(str(prediction["label"]))
        expect(card.locator("h3")).to_have_text(f"{model}: choice {chosen + 1}")
        expect(card.locator("li.chosen .text")).to_have_text(item[f"choice{chosen + 1}"])
        shares = [text.removesuffix(" %") for text in card.locator(".share").all_inner_texts()]
        assert [float(text) for text in shares] == pytest.approx(
            [100 * share for share in prediction["probabilities"]],  # type: ignore[attr-defined]
            abs=0.051,
        )
        widths = card.locator(".bar").evaluate_all(
            "bars => bars.map(b => parseFloat(b.style.width))"
        )
        assert sum(widths) == pytest.approx(100, abs=0.01)
    said = visit.page.locator("#ask-said")
    expect(said).to_contain_text("The models agree" if agree else "The models disagree")
    assert visit.page.locator(".card.differs").count() == (0 if agree else 2)
    expect(visit.page.locator(".latency")).to_contain_text("inference")


def test_more_than_two_choices_are_ranked(visit: Visit) -> None:
    choices = ["A storm came.", "It was noon.", "The bill was not paid."]
    visit.ask("The street lights went out.", choices)
    cards = visit.page.locator(".card")
    expect(cards).to_have_count(2)
    body = {"premise": "The street lights went out.", "choices": choices, "question": "cause"}
    for card in cards.all():
        model = card.get_attribute("aria-label")
        ranked = httpx.post(f"{visit.url}/rank", json={**body, "model": model}, timeout=60).json()
        expect(card.locator("h3")).to_have_text(f"{model}: choice {ranked['order'][0] + 1}")
        expect(card.locator("li")).to_have_count(3)
        expect(card.locator(".latency")).to_contain_text("Latency by stage: admission")


def test_a_newer_question_ends_the_one_before(visit: Visit) -> None:
    """The older one's answer could come last, and stand below the newer question."""
    held: list[Route] = []

    def answer(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    visit.page.route("**/compare/xcopa", answer)
    first, second = sample_items("en")[:2]
    visit.ask_item(first)
    with visit.page.expect_event("requestfailed") as ended:
        visit.ask_item(second)
    assert first["premise"] in str(ended.value.post_data_json)
    cards = visit.page.locator(".card")
    expect(cards).to_have_count(2)
    expect(cards.first.locator(".text").first).to_have_text(second["choice1"])


def test_choices_are_added_and_removed_and_two_remain(visit: Visit) -> None:
    page = visit.page
    page.fill("#choice-1", "one")
    page.fill("#choice-2", "two")
    page.click("#add-choice")
    expect(page.locator("#choice-3")).to_be_focused()
    page.keyboard.type("three")
    page.get_by_role("button", name="Remove choice 2").click()
    fields = page.locator("#choices input")
    assert [each.input_value() for each in fields.all()] == ["one", "three"]
    expect(page.get_by_role("button", name="Remove choice 1")).to_have_count(0)


def test_why_asks_again_with_a_change(visit: Visit) -> None:
    item = sample_items("en")[0]
    visit.ask_item(item)
    expect(visit.page.locator(".card")).to_have_count(2)
    visit.page.check("#without-premise")
    rows = visit.page.locator(".why tbody tr")
    expect(rows).to_have_count(2)
    visit.page.check("#swapped")
    expect(rows).to_have_count(3)
    asked = [
        item,
        {**item, "premise": "."},
        {**item, "question": "effect" if item["question"] == "cause" else "cause"},
    ]
    for row, question in zip(rows.all(), asked, strict=True):
        labels = [text.split()[0] for text in row.locator("td").all_inner_texts()]
        answers = compared(visit, question).values()
        assert labels == [str(int(str(each["label"])) + 1) for each in answers]
    first, *changed = ({m: each["label"] for m, each in compared(visit, q).items()} for q in asked)
    said = [
        f"{model} chooses {'the same' if label == first[model] else 'another one'}"
        for labels in changed
        for model, label in labels.items()
    ]
    sentences = visit.page.locator(".why li").all_inner_texts()
    assert len(sentences) == len(said) == 4
    for text, start in zip(sentences, said, strict=True):
        assert text.startswith(start)


def test_an_example_fills_the_form_in_its_language(visit: Visit) -> None:
    page = visit.page
    page.select_option("#example", page.locator("option[lang=ur]").first.get_attribute("value"))
    expect(page.locator("#premise")).to_have_attribute("lang", "ur")
    assert page.locator("#premise").evaluate("field => getComputedStyle(field).direction") == "rtl"
    visit.page.get_by_role("button", name="Ask", exact=True).click()
    text = page.locator(".card .text").first
    expect(text).to_have_attribute("lang", "ur")
    assert text.evaluate("line => getComputedStyle(line).direction") == "rtl"
    page.locator("#premise").press_sequentially("a")
    assert page.locator("#premise").get_attribute("lang") is None
    assert page.locator("#example").input_value() == ""


def test_texts_that_look_like_html_are_shown_as_they_are(visit: Visit) -> None:
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    visit.page.on("dialog", note)
    visit.ask(HOSTILE[0], HOSTILE, without_premise=True)
    expect(visit.page.locator(".why")).to_be_visible()
    shown = visit.page.locator(".card").first.locator(".text").all_inner_texts()
    assert shown == HOSTILE
    rows = [
        {"premise": text, "choice1": text, "choice2": "b", "question": "cause"} for text in HOSTILE
    ]
    header = "premise,choice1,choice2,question,language"
    quoted = ('"{}"'.format(text.replace('"', '""')) for text in HOSTILE)
    visit.paste("\n".join([header, *(f"{text},{text},b,cause,{text}" for text in quoted)]))
    expect(visit.page.locator("#file-said")).to_contain_text(f"Done. {len(rows)} rows")
    assert visit.page.locator("#file-table .text").first.inner_text() == HOSTILE[0]
    assert visit.page.locator("main img, main svg, main script").count() == 0
    assert dialogs == []


def test_what_is_wrong_is_said_and_the_field_has_the_focus(visit: Visit) -> None:
    visit.ask("The lights went out.", ["A storm came.", " "])
    expect(visit.page.locator("#ask-said")).to_contain_text("Choice2: must not be blank.")
    field = visit.page.locator("#choice-2")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    field.fill("It was noon.")
    assert field.get_attribute("aria-invalid") is None
    visit.ask("", ["a", "b", ""])
    expect(visit.page.locator("[aria-invalid]")).to_have_count(2)
    expect(visit.page.locator("#premise")).to_be_focused()
