// What the row of faces moves on a page that watches: the face of a session, by way of the server.

import { Expressions } from "./expressions.js";
import { element, setText } from "./page.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {{name: string, expression?: string}} Watched */

/** The row of faces is seen where whoever watches may speak as well. It lives as long as the page. */
export class Mover {
  mood = "";
  /** @type {Api} */
  #api;
  #row = new Expressions();
  /** @type {string | null} */
  #session = null;
  /** @type {string | null} */
  #next = null; // the newest that waits for the answer to the one before
  #asks = false;
  #told = 0; // performance.now() of the last answer

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
    this.#row.use(this);
  }

  get shown() {
    return this.#session !== null;
  }

  get ready() {
    return this.shown;
  }

  /**
   * @param {Watched | null} session that is watched, as the server described it; null: none that may be moved
   * @param {number} asked performance.now() when it was asked: what is older than the last answer does not count
   */
  watch(session, asked) {
    const other = (session?.name ?? null) !== this.#session;
    if (other) {
      this.#next = null;
      this.#say("");
    }
    this.#session = session?.name ?? null;
    if (other || (!this.#asks && asked > this.#told)) this.mood = session?.expression ?? "";
    this.#row.show();
  }

  /** @param {string} name */
  express(name) {
    this.#next = name;
    if (!this.#asks) void this.#send();
  }

  async #send() {
    this.#asks = true;
    while (this.#next !== null && this.#session !== null) {
      const [session, name] = [this.#session, this.#next];
      this.#next = null;
      try {
        const mood = await this.#api.express(session, name);
        if (session === this.#session) this.mood = mood;
        this.#say("");
      } catch (error) {
        if (session === this.#session) this.#say(error instanceof Error ? error.message : "");
      }
      this.#told = performance.now();
      this.#row.show();
    }
    this.#asks = false;
  }

  /** @param {string} words */
  #say(words) {
    setText(element("faces-why"), words);
  }
}
