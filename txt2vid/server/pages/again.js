// When WebRTC is tried again after it could not be had: later and later, and at once when the network is another one.

const WAITS = [15, 30, 60, 120, 240]; // seconds; the last one again and again
const SOON = 500; // milliseconds after the browser says so: addresses come a moment later
const HELD = 60000; // milliseconds after which one that was had counts as good: the next waits begin with the first

/** Calls `work` until it has resolved with true; `begin` it, as often as is needed. */
export class Again {
  #work;
  #signal;
  #timer = 0; // 0: nothing is to be tried, or it is tried just now
  #tries = 0;
  #trying = false;
  #changed = false; // the network, meanwhile
  #had = -Infinity; // performance.now() of the last success

  /**
   * @param {() => Promise<boolean>} work
   * @param {AbortSignal} signal ends it
   */
  constructor(work, signal) {
    this.#work = work;
    this.#signal = signal;
    addEventListener("online", () => this.#soon(), { signal });
    const network = /** @type {{connection?: EventTarget}} */ (/** @type {unknown} */ (navigator)).connection;
    network?.addEventListener("change", () => this.#soon(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** It cannot be had now. */
  begin() {
    if (performance.now() - this.#had > HELD) this.#tries = 0;
    if (!this.#trying) this.#later(WAITS[Math.min(this.#tries++, WAITS.length - 1)] * 1000);
  }

  #soon() {
    this.#changed = true;
    if (!this.#timer) return;
    this.#tries = 0;
    this.#later(SOON);
  }

  /** @param {number} milliseconds */
  #later(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = this.#signal.aborted ? 0 : setTimeout(() => void this.#try(), milliseconds);
  }

  async #try() {
    this.#timer = 0;
    this.#trying = true;
    this.#changed = false;
    const had = await this.#work().catch(() => false); // a mistake is no reason to give up
    this.#trying = false;
    if (had) this.#had = performance.now();
    else if (this.#changed) this.#later(SOON);
    else this.begin();
  }
}
