/** What the models answer, side by side. */

import { milliseconds, percent } from "../logic/numbers.js";
import { make, theirs } from "./dom.js";

/**
 * @typedef {import("../service/ask_models.js").ModelAnswer} ModelAnswer
 * @typedef {import("../logic/why.js").Question} Question
 */

/**
 * @param {HTMLElement} place
 * @param {Question} question
 * @param {ModelAnswer[]} answers
 * @param {string} lang of the sentences, empty where it is not known
 * @returns {{text: string, agree: boolean}} what to say of it
 */
export function showAnswers(place, question, answers, lang) {
  const agree = new Set(answers.map((answer) => answer.label)).size === 1;
  const cards = answers.map((answer) => card(question, answer, agree, lang));
  const [first, ...others] = answers;
  const together = others.every((answer) => answer.times === first.times);
  if (!together) cards.forEach((each, at) => each.append(latency(answers[at], false)));
  place.replaceChildren(make("div", { class: "cards" }, ...cards));
  if (together) place.append(latency(first, true));
  return { text: sentence(answers, agree), agree };
}

function sentence(answers, agree) {
  if (answers.length === 1) return `${answers[0].model}: choice ${answers[0].label + 1}.`;
  if (agree) return `The models agree: choice ${answers[0].label + 1}.`;
  const each = answers.map(({ model, label }) => `${model} chooses choice ${label + 1}`);
  return `The models disagree: ${each.join(", ")}.`;
}

function card(question, { model, label, probabilities }, agree, lang) {
  const lines = question.choices.map((text, place) =>
    line(text, probabilities[place], place === label, lang),
  );
  const heading = make("h3", {}, `${model}: choice ${label + 1}`);
  const classes = agree ? "card" : "card differs";
  return make("article", { class: classes, "aria-label": model }, heading, make("ol", {}, ...lines));
}

function line(text, probability, chosen, lang) {
  const bar = make("span", { class: "bar" });
  bar.style.width = `${100 * probability}%`;
  const track = make("span", { class: "track", "aria-hidden": "true" }, bar);
  const share = make("div", { class: "share" }, track, make("span", {}, percent(probability)));
  const words = theirs(text, "div");
  words.lang = lang;
  return make("li", chosen ? { class: "chosen" } : {}, words, share);
}

function latency({ times }, ofAll) {
  const stages = times.stages.map(([name, taken]) => `${name} ${milliseconds(taken)}`);
  const whose = ofAll ? "Latency by stage, of all models in one call: " : "Latency by stage: ";
  return make("p", { class: "soft latency" }, whose + stages.join(", "));
}
