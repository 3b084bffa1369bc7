// A wait that can be cut short.

export class Pause {
  #end = () => {};

  /** Ends it. */
  hurry() {
    this.#end();
  }

  /**
   * @param {number} milliseconds
   * @param {AbortSignal} signal ends it, too
   * @returns {Promise<void>}
   */
  wait(milliseconds, signal) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", this.#end, { once: true });
    });
  }
}
