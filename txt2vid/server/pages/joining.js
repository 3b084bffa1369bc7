// Before a call: name, hero, microphone.

import { Gallery } from "./gallery.js";
import { element, setText } from "./page.js";
import { insecure } from "./secure.js";

/** @typedef {import("./mic.js").Microphone} Microphone */
/** @typedef {{name: string, hero: string, picture: Blob | null}} Choice */

const KEY = "txt2vid call";
const LOOK = 80; // milliseconds between looks at the level

/** The form. Fires "join" (a CustomEvent, its detail a Choice). */
export class Joining extends EventTarget {
  #form = element("join");
  #name = /** @type {HTMLInputElement} */ (element("name"));
  #check = element("check");
  #level = /** @type {HTMLMeterElement} */ (element("level"));
  #listen = element("listen");
  #gallery = new Gallery("join-heroes", true);
  #microphone;
  #timer = 0;

  /** @param {Microphone} microphone */
  constructor(microphone) {
    super();
    this.#microphone = microphone;
    const { name = "", hero = "" } = remembered();
    this.#name.value = name;
    this.#gallery.choose(hero);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#join();
    });
    this.#check.addEventListener("click", () => void microphone.open());
    this.#listen.addEventListener("click", () => this.#go());
    microphone.addEventListener("state", () => this.#show());
    this.#show();
  }

  /** @param {import("./room.js").Hero[]} heroes */
  show(heroes) {
    this.#gallery.show(heroes, "");
    clearInterval(this.#timer);
    this.#timer = setInterval(() => (this.#level.value = this.#microphone.level), LOOK);
  }

  hide() {
    clearInterval(this.#timer);
  }

  async #join() {
    if (insecure() === null && !(await this.#microphone.open())) return; // it says why, and offers to listen alone
    this.#go();
  }

  #go() {
    const name = this.#name.value.trim();
    const picture = this.#gallery.chosen === "" ? this.#gallery.own : null;
    const hero = this.#gallery.chosen;
    remember({ name, hero });
    this.dispatchEvent(new CustomEvent("join", { detail: { name, hero, picture } }));
  }

  #show() {
    const { state, reason } = this.#microphone;
    const barred = insecure();
    this.#check.hidden = state === "on" || barred !== null;
    this.#level.hidden = state !== "on";
    this.#check.toggleAttribute("disabled", state === "asking");
    this.#listen.hidden = state !== "refused";
    setText(element("join-why"), barred ? `${barred} You can listen, though.` : reason);
    setText(element("join-button"), barred ? "Listen" : "Join");
  }
}

/** @returns {{name?: string, hero?: string}} */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {}; // storage may be forbidden
  }
}

/** @param {{name: string, hero: string}} choice */
function remember(choice) {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice));
  } catch {
    // Then it is asked again next time.
  }
}
