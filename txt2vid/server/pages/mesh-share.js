// The link to pass on, as text and as a QR code.

import { copyText } from "./clipboard.js";
import { element, make, setText } from "./page.js";

/** @typedef {import("./api.js").Api} Api */

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const COPIED = 2000; // milliseconds that the button says so

/** The card. */
export class Share {
  #api;
  #link = "";

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
    element("copy").addEventListener("click", () => void this.#copy());
  }

  /** @type {(link: string, annotated: boolean) => void} */
  show(link, annotated) {
    this.#link = link;
    setText(element("link"), link);
    const code = /** @type {HTMLImageElement} */ (element("code"));
    code.src = this.#api.address(`/mesh/link.svg${annotated ? "?annotated=1" : ""}`);
    code.hidden = false;
    if (LOCAL.test(new URL(link).hostname)) {
      const options = ["--host 0.0.0.0", "--tls-self-signed", "--token SECRET"].flatMap((option) => [" ", make("code", { class: "word" }, option)]);
      element("share-words").replaceChildren("This link works on this machine alone. For others, start the server with", ...options, ".");
    }
  }

  async #copy() {
    const done = await copyText(this.#link);
    const button = element("copy").querySelector("span");
    if (!button) return;
    setText(/** @type {HTMLElement} */ (button), done ? "Copied" : "Not copied");
    setText(element("said"), done ? "The link is copied." : "The link could not be copied: mark it, and copy it by hand.");
    setTimeout(() => setText(/** @type {HTMLElement} */ (button), "Copy link"), COPIED);
  }
}
