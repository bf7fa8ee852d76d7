/** What a visitor is told when there is no answer. */

/** @typedef {import("./call.js").Outcome} Outcome */

const BY_STATUS = {
  401: "The service asks for an API key.",
  403: "The service does not accept this API key.",
  413: "This is more than one call may bring.",
  422: "The service cannot read this.",
  429: "The service is busy.",
  500: "The service failed on this. Its log has the cause.",
  502: "Something in front of the service says that the service does not answer.",
  503: "The service takes no calls now.",
  504: "There was no answer in time.",
};

export const GONE = "The service does not answer. It may have stopped, or the network is away.";

/** @param {Outcome} outcome that is no answer @returns {string} */
export function said(outcome) {
  if (outcome.kind === "gone") return GONE;
  const known = BY_STATUS[outcome.status] ?? `The service refused this with ${outcome.status}.`;
  return [known, outcome.detail && sentence(outcome.detail)].filter(Boolean).join(" ");
}

function sentence(detail) {
  const text = detail[0].toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Whether a key would mend it. @param {Outcome} outcome */
export function wantsKey(outcome) {
  return outcome.kind === "refused" && [401, 403].includes(outcome.status);
}
