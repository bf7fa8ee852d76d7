/** Calls of the service that this page came from, also behind a proxy's prefix. */

import { parseServerTiming } from "../logic/server_timing.js";
import { apiKey } from "./key.js";

/** The folder of the page: this file is two below it. */
const BASE = new URL("../../", import.meta.url);

/** Longer than the service's own deadline, so that what is cut off here is a broken connection. */
const LONGEST_WAIT_MS = 60_000;

/**
 * @typedef {{kind: "answered", body: any, times: import("../logic/server_timing.js").Times}}
 *   Answered
 * @typedef {object} Refused
 * @property {"refused"} kind
 * @property {number} status
 * @property {string} detail
 * @property {{field: string, message: string}[]} errors
 * @property {number | null} retryAfter seconds after which the same call may succeed
 *
 * @typedef {{kind: "gone"}} Gone nobody answers
 * @typedef {Answered | Refused | Gone} Outcome
 */

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<Outcome>} */
export async function get(path, signal) {
  return outcomeOf(path, { signal });
}

/**
 * @param {string} path without a slash at its beginning
 * @param {unknown} content
 * @param {AbortSignal} [signal]
 * @returns {Promise<Outcome>}
 * @throws {DOMException} the signal was given
 */
export async function post(path, content, signal) {
  const headers = { "Content-Type": "application/json" };
  return outcomeOf(path, { method: "POST", headers, body: JSON.stringify(content), signal });
}

async function outcomeOf(path, { signal, headers, ...options }) {
  const limit = AbortSignal.timeout(LONGEST_WAIT_MS);
  try {
    const response = await fetch(new URL(path, BASE), {
      ...options,
      headers: { ...headers, ...(apiKey() ? { "X-API-Key": apiKey() } : {}) },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      cache: "no-store",
    });
    return response.ok ? await answered(response) : await refused(response);
  } catch (error) {
    if (signal?.aborted) throw error;
    return { kind: "gone" };
  }
}

async function answered(response) {
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const body = isJson ? await response.json() : await response.text();
  return { kind: "answered", body, times: parseServerTiming(response.headers.get("Server-Timing")) };
}

async function refused(response) {
  const problem = (await response.json().catch(() => null)) ?? {};
  const retryAfter = Number(response.headers.get("Retry-After"));
  return {
    kind: "refused",
    status: response.status,
    // A probe has a status alone, and the page of a proxy has neither.
    detail: String(problem.detail ?? problem.status ?? ""),
    errors: problem.errors ?? [],
    retryAfter: retryAfter > 0 ? retryAfter : null,
  };
}
