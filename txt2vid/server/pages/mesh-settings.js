// The sliders. What they say goes up until an answer shows that it has arrived.

import { element, setText } from "./page.js";

/** @typedef {{settings: number, faces: number, detection: number, tracking: number, mirror: boolean}} Settings */

const KEY = "txt2vid mesh settings";
const AGAIN = 250; // milliseconds until settings that nobody has answered are sent again

/** Fires "change" at once when a slider moves. */
export class Sliders extends EventTarget {
  /** @type {Record<string, HTMLInputElement>} */
  #sliders = Object.fromEntries(
    ["faces", "detection", "tracking"].map((name) => [name, /** @type {HTMLInputElement} */ (element(name))]),
  );
  #mirror = /** @type {HTMLInputElement} */ (element("mirror"));
  #serial = 1;
  #told = -Infinity;
  #answered = false;

  constructor() {
    super();
    const before = remembered();
    for (const [name, slider] of Object.entries(this.#sliders)) {
      if (typeof before[name] === "number") slider.value = String(before[name]);
      slider.addEventListener("input", () => this.#changed());
    }
    if (typeof before.mirror === "boolean") this.#mirror.checked = before.mirror;
    this.#mirror.addEventListener("change", () => this.#changed());
    this.#show();
  }

  /** @param {number} most faces that the server follows */
  limit(most) {
    this.#sliders.faces.max = String(most);
    this.#show();
  }

  /** @returns {Settings} */
  get now() {
    const { faces, detection, tracking } = this.#sliders;
    return {
      settings: this.#serial,
      faces: Number(faces.value),
      detection: Number(detection.value),
      tracking: Number(tracking.value),
      mirror: this.#mirror.checked,
    };
  }

  /** Another connection: it knows nothing yet. */
  forget() {
    this.#answered = false;
    this.#told = -Infinity;
  }

  /** @param {number} serial of an answer */
  answered(serial) {
    this.#answered = serial === this.#serial;
  }

  /** @returns {string | null} what is to be sent now */
  due() {
    if (this.#answered || performance.now() - this.#told < AGAIN) return null;
    this.#told = performance.now();
    return JSON.stringify(this.now);
  }

  #changed() {
    this.#serial = (this.#serial % 255) + 1;
    this.forget();
    this.#show();
    remember(this.now);
    this.dispatchEvent(new Event("change"));
  }

  #show() {
    for (const [name, slider] of Object.entries(this.#sliders)) {
      setText(element(`${name}-value`), name === "faces" ? slider.value : Number(slider.value).toFixed(2));
    }
  }
}

/** @returns {Record<string, unknown>} */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {}; // storage may be forbidden
  }
}

/** @param {Settings} settings */
function remember({ faces, detection, tracking, mirror }) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ faces, detection, tracking, mirror }));
  } catch {
    // Then the sliders begin anew next time.
  }
}
