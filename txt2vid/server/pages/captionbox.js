// Words over a picture: each lights up as it is said.

import { make } from "./page.js";

/** @typedef {import("./track.js").Caption} Caption */

const BESIDE = 1.45; // em: captions.css's borders and padding, and some for rounding

/** Fills an element with what is said. */
export class CaptionBox {
  #box;
  /** @type {Caption | null} */
  #shown = null;
  /** @type {HTMLElement[]} */
  #words = []; // of what is shown
  #said = 0; // how many of them are lit

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /** @param {import("./track.js").Shown | null} shown what is said now */
  show(shown) {
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
