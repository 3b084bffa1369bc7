// What is said in a session, as the server tells it: a connection that comes back by itself.

import { EventReader } from "./events.js";
import { Pause } from "./pause.js";
import { captionOf, Track } from "./track.js";

const WAITS = [250, 1000, 4000]; // milliseconds before a new attempt; the last one again and again
const SILENCE = 40000; // milliseconds without a byte after which the connection counts as lost: two beats, and some

/** Fills a track while it is open. */
export class CaptionLine {
  track = new Track();
  #api;
  #running = new AbortController();

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    this.#running.abort();
  }

  /** Whether it is connected, or comes to be. */
  get open() {
    return !this.#running.signal.aborted;
  }

  /** @param {string} path of the captions to read from now on */
  begin(path) {
    this.end();
    this.#running = new AbortController();
    void this.#run(path, this.#running.signal);
  }

  /** Nothing is known any more. */
  end() {
    this.#running.abort();
    this.track.clear();
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   */
  async #run(path, signal) {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const heard = await this.#receive(path, signal).catch(() => false); // the player says what is wrong
      if (heard) attempt = 0;
      const wait = WAITS[Math.min(attempt, WAITS.length - 1)] * (0.75 + Math.random() / 2);
      if (!signal.aborted) await new Pause().wait(wait, signal);
    }
  }

  /**
   * Takes in events until there are no more.
   * @param {string} path
   * @param {AbortSignal} outer
   * @returns {Promise<boolean>} whether anything came
   */
  async #receive(path, outer) {
    const stop = new AbortController();
    const abort = () => stop.abort();
    outer.addEventListener("abort", abort);
    let timer = setTimeout(abort, SILENCE);
    let heard = false;
    try {
      const reader = await this.#api.stream(path, stop.signal);
      const events = new EventReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || outer.aborted) return heard;
        clearTimeout(timer);
        timer = setTimeout(abort, SILENCE);
        heard = true;
        for (const { name, data } of events.push(value)) this.#take(name, JSON.parse(data));
      }
    } finally {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
      stop.abort();
    }
  }

  /**
   * @param {string} name
   * @param {any} body
   */
  #take(name, body) {
    const caption = name === "caption" ? captionOf(body) : null;
    if (caption) this.track.add(caption);
    if (name === "cut" && Number.isFinite(body?.at)) this.track.cut(body.at);
  }
}
