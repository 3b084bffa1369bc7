// Says how the player is doing: at once over the picture, and in a sentence that screen readers hear.

import { element, setText } from "./page.js";

/** @typedef {import("./player.js").State} State */

const CALM = 800; // milliseconds that a state must last before it is spoken of

/** @type {Record<State, [string, string]>} the word over the picture, the sentence below it */
const WORDS = {
  idle: ["Nothing to watch", ""],
  connecting: ["Connecting", "Asking for the stream…"],
  live: ["Live", "Live."],
  stalled: ["Waiting", "No new pictures come. Waiting for them…"],
  reconnecting: ["Reconnecting", "Trying again…"],
  paused: ["Paused", "Press play to watch live again."],
  ended: ["Not there", "No such session now. Looking for it…"],
  failed: ["Failed", ""],
};

/** The badge and the sentence. */
export class StateLine {
  #timer = 0;
  #stage = element("stage");

  /**
   * @param {State} state
   * @param {string} reason
   */
  show(state, reason) {
    const [word, sentence] = WORDS[state];
    const words = state === "ended" ? sentence : `${reason} ${sentence}`.trim();
    this.#stage.dataset.state = state;
    setText(element("badge"), word);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => setText(element("status"), words), CALM);
  }

  /** @param {string | null} name of the session */
  name(name) {
    setText(element("session-name"), name ?? "No session");
    document.title = name ? `${name} · txt2vid` : "txt2vid";
  }
}
