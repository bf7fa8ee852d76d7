/** The question that a visitor puts, and when it is asked. */

import { askModels } from "../service/ask_models.js";
import { askPatiently } from "../service/patience.js";
import { said, wantsKey } from "../service/refusals.js";
import { showAnswers } from "./answers.js";
import { choiceFields, setChoices, startChoices } from "./choices.js";
import { byId, say } from "./dom.js";
import { leaveExample, startExamples } from "./examples.js";
import { askForKey, onKey } from "./key_panel.js";
import { CHANGES, showChanges } from "./why.js";

const TRIES = 4;

/** Of the question that was asked last; a newer one ends it. */
let asking = new AbortController();
/** Whether the last question is still without an answer for want of a key. */
let wantsAnswer = false;

export function startQuestionPanel() {
  startChoices();
  startExamples(showExample);
  byId("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  byId("ask-form").addEventListener("input", ({ target }) => {
    target.removeAttribute("aria-invalid");
    if (target.matches("input[type=text], textarea")) leaveLanguage();
  });
  for (const id of Object.keys(CHANGES)) byId(id).addEventListener("change", askAgain);
  onKey(() => wantsAnswer && ask());
}

function showExample({ premise, question, choices, language }) {
  byId("premise").value = premise;
  byId("ask-form").elements.question.value = question;
  setChoices(choices);
  for (const field of [byId("premise"), ...choiceFields()]) field.lang = language;
  clear();
}

/** A screen reader reads the sentences of an example in its language, and others in the page's. */
function leaveLanguage() {
  for (const field of [byId("premise"), ...choiceFields()]) field.removeAttribute("lang");
  leaveExample();
}

function clear() {
  asking.abort();
  byId("answers").replaceChildren();
  say(byId("ask-said"), "");
}

/** A change is asked at once where there is an answer to compare it with. */
function askAgain() {
  if (byId("answers").childElementCount) ask();
}

/** @returns {import("../logic/why.js").Question} */
function questionOfForm() {
  return {
    premise: byId("premise").value,
    question: byId("ask-form").elements.question.value,
    choices: choiceFields().map((field) => field.value),
  };
}

async function ask() {
  clear();
  asking = new AbortController();
  const { signal } = asking;
  say(byId("ask-said"), "Asking …");
  try {
    await askAndShow(questionOfForm(), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function askAndShow(question, signal) {
  const asked = await patiently(question, signal);
  if ("failure" in asked) return showFailure(asked.failure);
  wantsAnswer = false;
  const lang = byId("premise").lang;
  const { text, agree } = showAnswers(byId("answers"), question, asked.answers, lang);
  say(byId("ask-said"), text, !agree);
  const changes = Object.entries(CHANGES).filter(([id]) => byId(id).checked);
  const changed = [];
  for (const [, { name, change, said: saying }] of changes) {
    const again = await patiently(change(question), signal);
    if ("failure" in again) return showFailure(again.failure);
    changed.push({ name, saying, answers: again.answers });
  }
  if (changed.length) showChanges(byId("answers"), question, asked.answers, changed);
}

/** @returns {Promise<import("../service/ask_models.js").Asked>} */
async function patiently(question, signal) {
  let last;
  const call = async () => {
    last = await askModels(question, signal);
    return "failure" in last ? last.failure : { kind: "answered" };
  };
  const onWait = (seconds, outcome) => {
    say(byId("ask-said"), `${said(outcome)} Asking again in ${seconds} s.`, true);
  };
  await askPatiently(call, { tries: TRIES, signal, onWait });
  return last;
}

function showFailure(failure) {
  say(byId("ask-said"), said(failure), true);
  wantsAnswer = wantsKey(failure);
  if (wantsAnswer) {
    askForKey();
    byId("key-text").focus();
  }
  const fields = (failure.errors ?? []).map(({ field }) => fieldNamed(field)).filter(Boolean);
  for (const field of fields) field.setAttribute("aria-invalid", "true");
  fields[0]?.focus();
}

/** The service names a choice `choice1` where there are two, and `choices.0` where more. */
function fieldNamed(name) {
  if (name === "premise") return byId("premise");
  const [, one, other] = /^(?:choice(\d)|choices\.(\d+))$/.exec(name) ?? [];
  if (one) return choiceFields()[Number(one) - 1];
  return other && choiceFields()[Number(other)];
}
