// Before a call: name, hero, voice, microphone.

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
  #meter = element("meter");
  #voice = /** @type {HTMLSelectElement} */ (element("join-voice"));
  #listen = element("listen");
  #gallery = new Gallery("join-heroes", true);
  #microphone;
  #timer = 0;

  /** @param {Microphone} microphone */
  constructor(microphone) {
    super();
    this.#microphone = microphone;
    const { name = "", hero = "", semitones = 0 } = remembered();
    this.#name.value = name;
    microphone.disguise(semitones);
    this.#gallery.choose(hero);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#join();
    });
    this.#check.addEventListener("click", () => void microphone.open());
    this.#voice.addEventListener("change", () => microphone.disguise(Number(this.#voice.value)));
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
    remember({ name, hero, semitones: this.#microphone.semitones });
    this.dispatchEvent(new CustomEvent("join", { detail: { name, hero, picture } }));
  }

  #show() {
    const { state, reason, semitones } = this.#microphone;
    this.#voice.value = String(semitones);
    const barred = insecure();
    element("join-speech").hidden = barred !== null;
    this.#check.hidden = state === "on" || barred !== null;
    this.#meter.hidden = state !== "on";
    this.#check.toggleAttribute("disabled", state === "asking");
    this.#listen.hidden = state !== "refused";
    setText(element("join-why"), barred ? `${barred} You can listen, though.` : reason);
    setText(element("join-button"), barred ? "Listen" : "Join");
  }
}

/** @returns {{name?: string, hero?: string, semitones?: number}} */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {}; // storage may be forbidden
  }
}

/** @param {{name: string, hero: string, semitones: number}} choice */
function remember(choice) {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice));
  } catch {
    // Then it is asked again next time.
  }
}
