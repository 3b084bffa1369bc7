// Captions over the picture: each word lights up as it is said, by the picture's own clock.

import { EventReader } from "./events.js";
import { element, make } from "./page.js";
import { captionOf, Track } from "./track.js";

/** @typedef {import("./track.js").Caption} Caption */

const KEY = "txt2vid captions"; // in localStorage: "off"
const TICK = 40; // milliseconds between looks at the clock: a frame of 25 fps
const WAITS = [250, 1000, 4000]; // milliseconds before a new attempt; the last one again and again
const SILENCE = 40000; // milliseconds without a byte after which the connection counts as lost: two beats, and some
const BESIDE = 1.45; // em: captions.css's borders and padding, and some for rounding
const SEEN = ["connecting", "live", "stalled", "reconnecting"]; // states in which the picture is, or will be, there

/** The button, the connection and the words. */
export class Captions {
  #box = element("captions");
  #button = element("cc");
  #track = new Track();
  #on = remembered();
  /** @type {string | null} */
  #path = null;
  #running = new AbortController(); // of the connection
  /** @type {Caption | null} */
  #shown = null;
  /** @type {HTMLElement[]} */
  #words = []; // of what is shown
  #said = 0; // how many of them are lit
  /** @type {HTMLVideoElement} */
  #video;
  /** @type {import("./player.js").Player} */
  #player;
  /** @type {import("./api.js").Api} */
  #api;

  /** @type {(video: HTMLVideoElement, player: import("./player.js").Player, api: import("./api.js").Api) => Captions} */
  constructor(video, player, api) {
    this.#video = video;
    this.#player = player;
    this.#api = api;
    this.#running.abort();
    this.#button.addEventListener("click", () => this.#toggle());
    document.addEventListener("keydown", (event) => this.#key(event));
    player.addEventListener("state", () => this.#follow());
    addEventListener("pagehide", () => this.#running.abort());
    addEventListener("pageshow", (event) => event.persisted && this.#follow());
    setInterval(() => this.#show(), TICK);
    this.#follow();
  }

  /** @param {string | null} path of the captions to show from now on */
  watch(path) {
    this.#running.abort();
    this.#track.clear();
    this.#path = path;
    this.#follow();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof HTMLElement && event.target.matches("input:not([type=range]), textarea, select");
    if (event.key.toLowerCase() !== "c" || typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    this.#toggle();
  }

  #toggle() {
    this.#on = !this.#on;
    try {
      if (this.#on) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, "off");
    } catch {
      // Storage may be forbidden: then the choice lives as long as the page.
    }
    this.#follow();
  }

  /** Connected while captions are wanted and there is a picture. */
  #follow() {
    this.#button.setAttribute("aria-pressed", String(this.#on));
    const wanted = this.#on && this.#path !== null && SEEN.includes(this.#player.state);
    if (!wanted) {
      this.#running.abort();
      this.#track.clear();
    } else if (this.#running.signal.aborted) {
      this.#running = new AbortController();
      void this.#run(this.#path ?? "", this.#running.signal);
    }
    this.#show();
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
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, wait));
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
    if (caption) this.#track.add(caption);
    if (name === "cut" && Number.isFinite(body?.at)) this.#track.cut(body.at);
  }

  #show() {
    const shown = this.#on ? this.#track.at(this.#video.currentTime - this.#player.offset) : null;
    const caption = shown?.caption ?? null;
    if (caption !== this.#shown) {
      this.#shown = caption;
      this.#words = (caption?.words ?? []).map(([, text]) => make("span", {}, text));
      this.#box.replaceChildren(...(caption ? [make("p", { dir: "auto" }, ...this.#words)] : []));
      this.#said = 0;
      this.#fit();
    }
    const said = shown?.said ?? 0;
    if (said === this.#said) return;
    this.#words.forEach((word, at) => word.classList.toggle("said", at < said));
    this.#said = said;
    this.#scroll(this.#words[said - 1]);
  }

  /** As narrow as its longest line, which the browser does not do by itself once it has balanced them. */
  #fit() {
    const text = this.#words[0]?.parentElement;
    if (!text) return;
    const rects = this.#words.flatMap((word) => [...word.getClientRects()]);
    const wide = Math.max(...rects.map((rect) => rect.right)) - Math.min(...rects.map((rect) => rect.left));
    const size = parseFloat(getComputedStyle(text).fontSize);
    text.style.width = `${(wide / size + BESIDE).toFixed(2)}em`; // in its own measure: it grows with full screen
  }

  /**
   * Two lines are seen. Where a narrow screen breaks it into more, the one that is being said is the lower one.
   * @param {HTMLElement | undefined} word
   */
  #scroll(word) {
    const text = word?.parentElement;
    if (!word || !text) return;
    const line = parseFloat(getComputedStyle(text).lineHeight);
    const last = word.getClientRects();
    const bottom = (last[last.length - 1]?.bottom ?? 0) - text.getBoundingClientRect().top + text.scrollTop;
    text.scrollTop = Math.max(0, Math.ceil(bottom / line - 0.5) - 2) * line;
  }
}

/** @returns {boolean} */
function remembered() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}
