/** Time that passes, and that can be cut short. */

const MILLISECONDS = 1000;

/**
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>} rejected if the signal is given
 */
export function wait(seconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * MILLISECONDS);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
