// Captions over the picture: each word lights up as it is said, by the picture's own clock.

import { CaptionBox } from "./captionbox.js";
import { CaptionLine } from "./captionline.js";
import { element } from "./page.js";

const KEY = "txt2vid captions"; // in localStorage: "off"
const TICK = 40; // milliseconds between looks at the clock: a frame of 25 fps
const SEEN = ["connecting", "live", "stalled", "reconnecting"]; // states in which the picture is, or will be, there

/** The button, the connection and the words. */
export class Captions {
  #box = new CaptionBox(element("captions"));
  #button = element("cc");
  #on = remembered();
  /** @type {string | null} */
  #path = null;
  #line;
  /** @type {HTMLVideoElement} */
  #video;
  /** @type {import("./player.js").Player} */
  #player;

  /** @type {(video: HTMLVideoElement, player: import("./player.js").Player, api: import("./api.js").Api) => Captions} */
  constructor(video, player, api) {
    this.#video = video;
    this.#player = player;
    this.#line = new CaptionLine(api);
    this.#button.addEventListener("click", () => this.#toggle());
    document.addEventListener("keydown", (event) => this.#key(event));
    player.addEventListener("state", () => this.#follow());
    addEventListener("pagehide", () => this.#line.end());
    addEventListener("pageshow", (event) => event.persisted && this.#follow());
    setInterval(() => this.#show(), TICK);
    this.#follow();
  }

  /** @param {string | null} path of the captions to show from now on */
  watch(path) {
    this.#line.end();
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
      this.#line.end();
    } else if (!this.#line.open) {
      this.#line.begin(this.#path ?? "");
    }
    this.#show();
  }

  #show() {
    const time = this.#video.currentTime - this.#player.offset;
    this.#box.show(this.#on ? this.#line.track.at(time) : null);
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
