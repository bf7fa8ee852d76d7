/** CSV with a header, by the rules of `xcopa predict` (models/prediction/csv_rows.py). */

const DELIMITERS = [",", ";", "\t", "|"];
const MOST_CHARACTERS = 1_048_576;

/**
 * @typedef {import("./lines.js").TextLine} TextLine
 * @typedef {{line: number, fields: Record<string, unknown>, problem?: string}} RawRow
 */

/**
 * Read each record; one that is not as the header says becomes a row with a problem.
 *
 * A quotation mark that is not closed could swallow all that follows. So where a record of several
 * lines is wrong, its first line alone is the bad row, and the others are read again.
 *
 * @param {TextLine[]} lines
 * @param {string[]} required names that the header must have
 * @returns {RawRow[]}
 * @throws {Error} the header lacks a name, or has one twice
 */
export function csvRows(lines, required) {
  const first = lines.findIndex((line) => line.text.trim());
  if (first < 0) return [];
  const { header, delimiter } = readHeader(lines[first].text, required);
  const rows = [];
  for (let at = first + 1; at < lines.length; ) {
    const record = readRecord(lines, at, delimiter);
    const problem = record.problem ?? wrongLength(record.cells, header);
    if (problem) rows.push({ line: lines[at].number, fields: {}, problem });
    else if (record.cells.length) rows.push(rowOf(lines[at].number, header, record.cells));
    at = problem ? at + 1 : record.next;
  }
  return rows;
}

function rowOf(line, header, cells) {
  return { line, fields: Object.fromEntries(header.map((name, place) => [name, cells[place]])) };
}

function wrongLength(cells, header) {
  if (!cells.length || cells.length === header.length) return undefined;
  return `has ${cells.length} fields, and the header has ${header.length}`;
}

function readHeader(text, required) {
  const found = DELIMITERS.map((delimiter) => ({ delimiter, header: names(text, delimiter) }));
  const known = ({ header }) => required.filter((name) => header.includes(name)).length;
  const best = found.reduce((most, each) => (known(each) > known(most) ? each : most));
  const missing = required.filter((name) => !best.header.includes(name));
  if (missing.length) {
    throw new Error(
      `The header lacks ${missing.join(", ")}. A CSV file begins with a line of names, and any ` +
        "other file has a JSON object on each line.",
    );
  }
  const twice = best.header.filter((name, place) => best.header.indexOf(name) !== place);
  if (twice.length) throw new Error(`The header has ${[...new Set(twice)].join(", ")} twice.`);
  return best;
}

function names(text, delimiter) {
  const { cells, problem } = readRecord([{ number: 1, text }], 0, delimiter);
  return problem ? [] : cells.map((cell) => cell.trim());
}

/**
 * Read the record that begins at a line.
 *
 * @returns {{cells: string[], next: number, problem?: string}}
 */
function readRecord(lines, start, delimiter) {
  const reader = new RecordReader(delimiter);
  let characters = 0;
  for (let at = start; at < lines.length; at += 1) {
    characters += lines[at].text.length;
    if (characters > MOST_CHARACTERS) return broken(start, "a record is too long");
    const problem = reader.take(lines[at].text);
    if (problem) return broken(start, problem);
    if (!reader.open) return { cells: reader.cells, next: at + 1 };
  }
  return broken(start, "unexpected end of data");
}

function broken(start, reason) {
  return { cells: [], next: start + 1, problem: `is not CSV as RFC 4180 describes it: ${reason}` };
}

const LINE_ENDS = "\r\n";

/** Reads one record, line by line: a field in quotation marks may go on in the next line. */
class RecordReader {
  constructor(delimiter) {
    this.delimiter = delimiter;
    /** @type {string[]} */
    this.cells = [];
    this.cell = "";
    /** @type {"start" | "plain" | "quoted" | "closed" | "ended"} */
    this.state = "start";
  }

  get open() {
    return this.state === "quoted";
  }

  /** @returns {string | undefined} why the line cannot be read */
  take(text) {
    for (const character of text) {
      const problem = this.step(character);
      if (problem) return problem;
    }
    if (!this.open) this.end();
    return undefined;
  }

  step(character) {
    if (this.state === "quoted") return this.quoted(character);
    if (LINE_ENDS.includes(character)) return this.end();
    if (this.state === "ended") return "a line end stands outside quotation marks";
    if (character === this.delimiter) return this.endCell();
    if (character === '"' && this.state !== "plain") return this.mark();
    if (this.state === "closed") return `'${this.delimiter}' expected after '"'`;
    this.state = "plain";
    this.cell += character;
    return undefined;
  }

  quoted(character) {
    if (character === '"') this.state = "closed";
    else this.cell += character;
    return undefined;
  }

  /** Two quotation marks within a quoted field stand for one. */
  mark() {
    if (this.state === "closed") this.cell += '"';
    this.state = "quoted";
    return undefined;
  }

  endCell() {
    this.cells.push(this.cell);
    this.cell = "";
    this.state = "start";
    return undefined;
  }

  end() {
    const blank = this.state === "start" && !this.cells.length;
    if (!blank && this.state !== "ended") this.endCell();
    this.state = "ended";
    return undefined;
  }
}
