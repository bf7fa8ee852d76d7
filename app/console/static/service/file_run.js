/** Scores the rows of a file through the batch route, a few at a time. It can pause. */

import { unscored } from "../logic/scored.js";
import { post } from "./call.js";
import { askPatiently } from "./patience.js";
import { said, wantsKey } from "./refusals.js";

/** Rows of a call: few, so that progress is seen, and other callers have their turns between. */
const CALL_ROWS = 32;

/**
 * @typedef {import("../logic/scored.js").ScoredRow} ScoredRow
 * @typedef {"running" | "paused" | "waiting" | "key" | "done" | "stopped"} RunState
 * @typedef {(model: string, items: object[], signal: AbortSignal) =>
 *   Promise<import("./call.js").Outcome>} AskBatch
 */

/** @type {AskBatch} */
function askService(model, items, signal) {
  return post("predict/xcopa/batch", { items, model }, signal);
}

export class FileRun {
  /**
   * @param {import("../logic/rows.js").FileRow[]} rows
   * @param {string[]} models each row is asked of all
   * @param {(state: RunState, detail: string) => void} onChange called whenever there is news
   * @param {AskBatch} [ask]
   */
  constructor(rows, models, onChange, ask = askService) {
    /** @type {ScoredRow[]} */
    this.scored = rows.map(unscored);
    this.models = models;
    /** How many rows, from the first, have been through. */
    this.done = 0;
    /** @type {RunState} */
    this.state = "running";
    this.onChange = onChange;
    this.askBatch = ask;
    this.stopper = new AbortController();
    this.resumed = Promise.withResolvers();
  }

  async run() {
    try {
      while (this.done < this.scored.length) {
        if (this.state === "paused") await this.resumption();
        const group = this.scored.slice(this.done, this.done + CALL_ROWS);
        await this.score(group);
        this.done += group.length;
        this.onChange(this.state, "");
      }
      this.say("done");
    } catch (error) {
      if (!this.stopper.signal.aborted) throw error;
      this.say("stopped");
    }
  }

  /** What is under way is answered first. */
  pause() {
    if (this.state !== "done" && this.state !== "stopped") this.say("paused");
  }

  resume() {
    this.say("running");
    this.resumed.resolve();
    this.resumed = Promise.withResolvers();
  }

  stop() {
    this.stopper.abort();
    this.resumed.resolve();
  }

  /** @param {RunState} state @param {string} [detail] */
  say(state, detail = "") {
    this.state = state;
    this.onChange(state, detail);
  }

  async resumption() {
    await this.resumed.promise;
    this.stopper.signal.throwIfAborted();
  }

  async score(group) {
    const asking = group.filter(({ row }) => row.item);
    await Promise.all(this.models.map((model) => this.scoreBy(model, asking)));
  }

  /** A call that fails is asked again by halves, until the row that makes it fail is alone. */
  async scoreBy(model, group) {
    if (!group.length) return;
    const outcome = await this.outcomeOf(model, group);
    if (outcome.kind === "answered") {
      group.forEach((scored, place) => note(scored, model, outcome.body.predictions[place]));
    } else if (group.length === 1) {
      group[0].errors[model] = said(outcome);
    } else {
      const middle = group.length >> 1;
      await this.scoreBy(model, group.slice(0, middle));
      await this.scoreBy(model, group.slice(middle));
    }
  }

  async outcomeOf(model, group) {
    const { signal } = this.stopper;
    const items = group.map(({ row }) => row.item);
    const onWait = (seconds, outcome) => {
      this.waitingFor(seconds, outcome);
    };
    const ask = () => this.askBatch(model, items, signal);
    for (;;) {
      const outcome = await askPatiently(ask, { tries: Infinity, signal, onWait });
      if (this.state === "waiting") this.say("running");
      if (!wantsKey(outcome)) return outcome;
      this.say("key", said(outcome));
      await this.resumption();
    }
  }

  waitingFor(seconds, outcome) {
    // A visitor who has paused it is told no more.
    if (this.state === "paused") return;
    this.say("waiting", `${said(outcome)} Asking again in ${seconds} s.`);
  }
}

function note(scored, model, prediction) {
  if (prediction.error) scored.errors[model] = prediction.error.detail;
  else scored.answers[model] = prediction;
}
