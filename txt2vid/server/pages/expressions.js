// The row of faces: what a caller's own hero shows, or the face that is watched, by button or by key.

import { element, ICONS, setText } from "./page.js";

/**
 * @typedef {{shown: boolean, ready: boolean, mood: string, express: (name: string) => void}} Moved what the row moves
 *   shown: whether there is to be a row; ready: whether it can be moved now; mood: that stays, "" for none
 */

const NEUTRAL = "neutral";
const PASSING = 900; // milliseconds that a gesture's button is lit: as long as a wink is seen
/** @type {[name: string, words: string, passes?: boolean][]} in the order of the keys 1 to 9 */
const FACES = [
  ["joy", "Joy"],
  ["surprise", "Surprise"],
  ["sadness", "Sadness"],
  ["anger", "Anger"],
  ["fear", "Fear"],
  ["disgust", "Disgust"],
  ["contempt", "Contempt"],
  ["thinking", "Thinking"],
  ["wink", "Wink", true],
];

/** Moods that stay until they are pressed again (or 0), and gestures that pass. It lives as long as the page. */
export class Expressions {
  /** @type {Moved | null} */
  #moved = null;
  #row = element("faces");
  #buttons = FACES.map(([name, words, passes], at) => button(name, words, at + 1, passes));

  constructor() {
    this.#row.append(...this.#buttons);
    this.#buttons.forEach((one, at) => one.addEventListener("click", () => this.#press(at)));
    this.#reach(0);
    this.#row.addEventListener("keydown", (event) => this.#move(event));
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {Moved} moved from now on; `show` is to be called when it has changed */
  use(moved) {
    this.#moved = moved;
    this.show();
  }

  /** @param {number} at */
  #press(at) {
    const [name, words, passes] = FACES[at];
    if (!this.#moved?.ready) return;
    const again = this.#moved.mood === name;
    this.#moved.express(again ? NEUTRAL : name);
    setText(element("said"), again ? "Neutral." : `${words}.`);
    if (passes) this.#light(this.#buttons[at]);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, [contenteditable], dialog");
    if (typing || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#row.hidden || !/^[0-9]$/.test(event.key) || document.querySelector("dialog[open]")) return;
    const at = Number(event.key) - 1;
    if (at >= 0) {
      this.#press(at);
    } else if (this.#moved?.ready) {
      this.#moved.express(NEUTRAL);
      setText(element("said"), "Neutral.");
    }
  }

  /**
   * One stop for the Tab key; the arrows go on from there.
   * @param {KeyboardEvent} event
   */
  #move(event) {
    const last = this.#buttons.length - 1;
    const at = this.#buttons.findIndex((one) => one === event.target);
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
    const to = steps[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = (to + last + 1) % (last + 1);
    this.#reach(next);
    this.#buttons[next].focus();
  }

  /** @param {number} at */
  #reach(at) {
    this.#buttons.forEach((one, number) => (one.tabIndex = number === at ? 0 : -1));
  }

  /** @param {HTMLElement} one */
  #light(one) {
    one.classList.add("passing");
    setTimeout(() => one.classList.remove("passing"), PASSING);
  }

  /** What the server says that the face shows: it may have been moved from elsewhere. */
  show() {
    this.#row.hidden = !this.#moved?.shown;
    FACES.forEach(([name, , passes], at) => {
      const one = this.#buttons[at];
      one.setAttribute("aria-disabled", String(!this.#moved?.ready)); // not disabled: the focus would be lost
      if (!passes) one.setAttribute("aria-pressed", String(this.#moved?.mood === name));
    });
  }
}

/** @type {(name: string, words: string, key: number, passes?: boolean) => HTMLButtonElement} */
function button(name, words, key, passes) {
  const one = document.createElement("button");
  one.type = "button";
  one.title = `${words} (${key})`;
  one.dataset.face = name;
  one.setAttribute("aria-label", words);
  one.setAttribute("aria-keyshortcuts", String(key));
  if (!passes) one.setAttribute("aria-pressed", "false");
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("aria-hidden", "true");
  icon.append(document.createElementNS(icon.namespaceURI, "use"));
  icon.firstElementChild?.setAttribute("href", `${ICONS}#face-${name}`);
  const label = document.createElement("span");
  setText(label, words);
  one.append(icon, label);
  return one;
}
