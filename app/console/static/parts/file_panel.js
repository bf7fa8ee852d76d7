/** Scoring a file: what is read, how far it is, and what came of it. */

import { asCsv, asJsonLines } from "../logic/download.js";
import { disagrees, problemOf } from "../logic/scored.js";
import { readRows } from "../logic/rows.js";
import { FileRun } from "../service/file_run.js";
import { servedModels } from "../service/models.js";
import { said, wantsKey } from "../service/refusals.js";
import { showAccuracy } from "./accuracy_table.js";
import { byId, say } from "./dom.js";
import { startFileSource } from "./file_source.js";
import { askForKey, onKey } from "./key_panel.js";
import { RowTable } from "./row_table.js";

/** @type {FileRun | null} */
let run = null;
/** @type {RowTable | null} */
let table = null;

export function startFilePanel() {
  startFileSource(begin, (problem) => say(byId("file-said"), problem, true));
  byId("file-pause").addEventListener("click", () => {
    if (run?.state === "paused" || run?.state === "key") run.resume();
    else run?.pause();
  });
  byId("file-stop").addEventListener("click", () => run?.stop());
  byId("file-filter").addEventListener("change", () => table?.filtered());
  byId("file-before").addEventListener("click", () => table?.turn(-1));
  byId("file-after").addEventListener("click", () => table?.turn(1));
  byId("file-jsonl").addEventListener("click", () => {
    download("scored.jsonl", "application/jsonl", asJsonLines(done(), run.models));
  });
  byId("file-csv").addEventListener("click", () => {
    download("scored.csv", "text/csv", asCsv(done(), run.models));
  });
  onKey(() => run?.state === "key" && run.resume());
}

async function begin({ text, name }) {
  run?.stop();
  let rows;
  try {
    rows = readRows(text, name);
  } catch (error) {
    return say(byId("file-said"), error.message, true);
  }
  if (!rows.length) return say(byId("file-said"), "There are no rows in it.", true);
  const found = await servedModels();
  if ("failure" in found) {
    if (wantsKey(found.failure)) askForKey();
    return say(byId("file-said"), `${said(found.failure)} Nothing was scored.`, true);
  }
  await score(rows, found.models.map((model) => model.name));
}

async function score(rows, models) {
  const mine = new FileRun(rows, models, (state, detail) => mine === run && show(state, detail));
  run = mine;
  table = new RowTable(models);
  byId("file-run").hidden = false;
  show("running", "");
  await mine.run();
}

/** The rows that have been through. */
function done() {
  return run.scored.slice(0, run.done);
}

function show(state, detail) {
  const { length } = run.scored;
  byId("file-progress").max = length;
  byId("file-progress").value = run.done;
  byId("file-count").textContent = `${run.done} of ${length} rows`;
  const ended = state === "done" || state === "stopped";
  const pausing = state === "paused" || state === "key";
  byId("file-pause").textContent = pausing ? "Go on" : "Pause";
  byId("file-pause").disabled = byId("file-stop").disabled = ended;
  if (state === "key") askForKey();
  const text = detail || sentences(state);
  // What is said again is not read again.
  if (byId("file-said").textContent !== text) say(byId("file-said"), text, detail !== "");
  table.show(done());
  showAccuracy(byId("file-accuracy"), done(), run.models);
}

function sentences(state) {
  if (state === "running") return `Scoring ${run.scored.length} rows …`;
  if (state === "paused") return "Paused.";
  return `${state === "done" ? "Done" : "Stopped"}. ${summary()}`;
}

function summary() {
  const rows = done();
  const apart = rows.filter(disagrees).length;
  const failed = rows.filter((scored) => problemOf(scored)).length;
  const without = failed ? ` ${failed} without an answer.` : "";
  return `${rows.length} rows; the models disagree on ${apart}.${without}`;
}

function download(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
