// The buttons of a call that goes on.

import { copyText } from "./clipboard.js";
import { mayDraw } from "./faceplayer.js";
import { Gallery, upload } from "./gallery.js";
import { element, setText } from "./page.js";

/** @typedef {import("./live.js").Live} Live */

const DRAWS = "txt2vid call draws"; // in localStorage: "yes"
const THANKS = 2000; // milliseconds that a button says what it did

/** Mute, hero, captions, copy, hang up. It lives as long as the page; `use` tells it of each call. */
export class Callbar {
  /** @type {Live | null} */
  #live = null;
  #room;
  #microphone;
  #mute = element("mute");
  #draw = element("draw");
  #draws = mayDraw() && remembered();
  #cc = element("cc");
  #reads = false; // is not kept: who wants captions in one call may not want them on the next screen
  #chooser = /** @type {HTMLDialogElement} */ (element("chooser"));
  #gallery = new Gallery("chooser-heroes", false);
  #voice = /** @type {HTMLSelectElement} */ (element("chooser-voice"));

  /**
   * @param {string} room
   * @param {import("./mic.js").Microphone} microphone
   */
  constructor(room, microphone) {
    this.#room = room;
    this.#microphone = microphone;
    this.#mute.addEventListener("click", () => void this.#toggle());
    this.#draw.hidden = !mayDraw();
    this.#draw.addEventListener("click", () => this.#choose(!this.#draws));
    this.#cc.addEventListener("click", () => this.#read(!this.#reads));
    element("hero").addEventListener("click", () => this.#chooser.showModal());
    element("hang-up").addEventListener("click", () => this.#live?.hangUp());
    for (const id of ["copy", "alone-copy", "join-copy"]) {
      element(id).addEventListener("click", () => void copyLink(element(id)));
    }
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#voice.addEventListener("change", () => microphone.disguise(Number(this.#voice.value)));
    microphone.addEventListener("state", () => this.#show());
    this.#gallery.addEventListener("choice", () => this.#live?.room.choose(this.#gallery.chosen));
    this.#gallery.addEventListener("picture", (event) => void this.bring(/** @type {CustomEvent<Blob>} */ (event).detail));
    this.#show();
  }

  /** @param {Live} live */
  use(live) {
    this.#live = live;
    live.draw(this.#draws);
    live.read(this.#reads);
    this.#warn("");
    live.room.addEventListener("heroes", () => this.#heroes());
    live.room.addEventListener("members", () => this.#heroes());
    live.room.addEventListener("warning", (event) => this.#warn(/** @type {CustomEvent<string>} */ (event).detail));
    live.addEventListener("end", () => this.#chooser.close());
    this.#show();
  }

  /**
   * A picture that becomes this caller's hero.
   * @param {Blob} picture
   */
  async bring(picture) {
    const room = this.#live?.room;
    if (!room?.welcome) return;
    this.#warn("Looking for the face in it…");
    try {
      room.choose(await upload(this.#room, room.welcome.token, picture));
      this.#warn("");
    } catch (error) {
      this.#warn(error instanceof Error ? error.message : String(error));
      if (!this.#chooser.open) this.#chooser.showModal(); // where another one can be chosen
    }
  }

  async #toggle() {
    if (this.#microphone.state !== "on") {
      await this.#microphone.open(); // one who only listened may change their mind
      return;
    }
    this.#microphone.mute(!this.#microphone.muted);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
    if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.#live || this.#live.room.ended || this.#chooser.open) return;
    if (event.key.toLowerCase() === "m") void this.#toggle();
    if (event.key.toLowerCase() === "c") this.#read(!this.#reads);
  }

  /** @param {boolean} reads */
  #read(reads) {
    this.#reads = reads;
    this.#live?.read(reads);
    setText(element("said"), reads ? "Captions are on." : "Captions are off.");
    this.#show();
  }

  /** @param {boolean} draws */
  #choose(draws) {
    this.#draws = draws;
    try {
      if (draws) localStorage.setItem(DRAWS, "yes");
      else localStorage.removeItem(DRAWS);
    } catch {
      // Storage may be forbidden: then the choice lives as long as the page.
    }
    this.#live?.draw(draws);
    setText(element("said"), draws ? "Faces are drawn here: less data." : "Faces come as video.");
    this.#show();
  }

  #heroes() {
    const room = this.#live?.room;
    if (!room?.welcome) return;
    this.#gallery.show(room.heroes, room.welcome.token);
    if (room.me) this.#gallery.choose(room.me.hero);
  }

  /** @param {string} words */
  #warn(words) {
    setText(element("chooser-why"), words);
  }

  #show() {
    const { state, muted, reason, semitones } = this.#microphone;
    this.#voice.value = String(semitones);
    const off = state !== "on";
    const words = off ? "Microphone" : muted ? "Unmute" : "Mute";
    const icon = `/icons.svg#${off || muted ? "mic-off" : "mic"}`;
    const use = this.#mute.querySelector("use");
    if (use?.getAttribute("href") !== icon) use?.setAttribute("href", icon); // one that is set again is drawn anew
    this.#draw.setAttribute("aria-pressed", String(this.#draws));
    this.#cc.setAttribute("aria-pressed", String(this.#reads));
    this.#mute.setAttribute("aria-pressed", String(off || muted));
    this.#mute.title = off ? reason || "Turn the microphone on" : `${words} (m)`;
    setText(/** @type {HTMLElement} */ (this.#mute.querySelector("span")), words);
  }
}

/** Whether the last call was drawn here. */
function remembered() {
  try {
    return localStorage.getItem(DRAWS) === "yes";
  } catch {
    return false;
  }
}

/** @param {HTMLElement} button */
async function copyLink(button) {
  const words = /** @type {HTMLElement} */ (button.querySelector("span"));
  const done = await copyText(location.origin + location.pathname);
  setText(words, done ? "Copied" : "Copy the address");
  setText(element("said"), done ? "The link was copied." : "Copy the link from the address bar.");
  setTimeout(() => setText(words, "Copy link"), THANKS);
}
