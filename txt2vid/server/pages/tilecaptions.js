// What one in a call says, over the lower edge of the picture that says it: in step with that, whichever way it comes.

import { CaptionBox } from "./captionbox.js";
import { make } from "./page.js";
import { captionOf, Track } from "./track.js";

const TICK = 40; // milliseconds between looks at the clock: a frame of 25 fps
const YIELDS = 0.05; // seconds of later news that count: the server may be slower than it was
const USUAL = 30; // milliseconds that a browser holds pictures back, where it does not say

/** The words; `time` tells what is shown, in seconds of the session. Put `element` over the picture. */
export class TileCaptions {
  element = make("div", { class: "captions", role: "region", "aria-live": "polite" });
  #box = new CaptionBox(this.element);
  #track = new Track();
  #timer = 0;
  #ahead = NaN; // seconds of the session, less those of this machine: as what took least time on its way told it
  #zero = 0;

  /** @param {() => number} time */
  constructor(time) {
    this.#time = time;
  }

  #time;

  /** @param {boolean} on */
  turn(on) {
    clearInterval(this.#timer);
    if (on) this.#timer = setInterval(() => this.#box.show(this.#track.at(this.#time())), TICK);
    else this.clear();
  }

  /** Nothing is known any more. */
  clear() {
    this.#track.clear();
    this.#ahead = NaN;
    this.#box.show(null);
  }

  /** @param {any} message of the room: "caption" or "cut" */
  take(message) {
    const caption = message.type === "caption" ? captionOf(message) : null;
    if (caption) {
      const ahead = message.now - performance.now() / 1000;
      const same = Math.abs(ahead - this.#ahead) < 1; // a session's clock may stand still
      this.#ahead = same ? Math.max(ahead, this.#ahead - YIELDS) : ahead;
      this.#zero = message.zero;
      this.#track.add(caption);
    }
    if (message.type === "cut" && Number.isFinite(message.at)) this.#track.cut(message.at);
  }

  /**
   * What is shown of a line that does not say: it took as long on its way as what was told.
   * @param {number | null | undefined} held milliseconds that pictures are held back here
   */
  live(held) {
    return performance.now() / 1000 + this.#ahead - (held ?? USUAL) / 1000;
  }

  /** @param {number} stamp seconds of the stream's time stamps */
  of(stamp) {
    return stamp - this.#zero;
  }
}
