// The heroes to choose from, each with its picture, and one's own pictures.

import { element, make } from "./page.js";

/** @typedef {import("./room.js").Hero} Hero */

const LARGEST = 1024; // pixels of the longer side of what is uploaded: the server keeps no more
const QUALITY = 0.92;
let galleries = 0;

/** A group of radio buttons. Fires "choice" (a CustomEvent, its detail the hero's name) and "picture" (a Blob). */
export class Gallery extends EventTarget {
  /** @type {string} */
  chosen = "";
  #box;
  #group = `hero-${++galleries}`;
  #upload = this.#uploadButton();
  /** @type {Map<string, HTMLElement>} */
  #options = new Map();
  #keep;

  /**
   * @param {string} id of the fieldset
   * @param {boolean} keep whether a picture is one of the heroes at once, before anybody has it (`own`)
   */
  constructor(id, keep) {
    super();
    this.#box = element(id);
    this.#keep = keep;
    this.#box.append(this.#upload);
  }

  /** The picture that was chosen and is not uploaded yet. @type {Blob | null} */
  own = null;

  /**
   * @param {Hero[]} heroes
   * @param {string} token the pass, which their pictures may need; may be empty
   */
  show(heroes, token) {
    for (const hero of heroes) {
      if (this.#options.has(hero.name)) continue;
      this.#add(hero.name, label(hero.name), pictureOf(hero, token));
    }
    for (const [name, option] of this.#options) {
      const gone = name !== "" && !heroes.some((hero) => hero.name === name);
      if (gone) option.remove(), this.#options.delete(name);
    }
    if (heroes.length) this.choose(this.#options.has(this.chosen) ? this.chosen : heroes[0].name);
  }

  /** @param {string} name */
  choose(name) {
    this.chosen = name;
    const radio = this.#options.get(name)?.querySelector("input");
    if (radio) radio.checked = true;
  }

  /** @type {(name: string, words: string, picture: string) => void} */
  #add(name, words, picture) {
    const radio = make("input", { type: "radio", name: this.#group, class: "unseen" });
    radio.addEventListener("change", () => {
      this.chosen = name;
      this.dispatchEvent(new CustomEvent("choice", { detail: name }));
    });
    const image = make("img", { src: picture, alt: "", width: "96", height: "96" });
    const option = make("label", {}, radio, image, make("span", {}, words));
    this.#options.get(name)?.remove();
    this.#options.set(name, option);
    this.#upload.before(option);
  }

  #uploadButton() {
    const file = /** @type {HTMLInputElement} */ (make("input", { type: "file", accept: "image/*", class: "unseen" }));
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", "/icons.svg#add");
    icon.append(use);
    file.addEventListener("change", async () => {
      const [picture] = file.files ?? [];
      file.value = ""; // the same one may be chosen again
      if (picture) await this.#take(picture);
    });
    return make("label", { class: "upload" }, file, make("span", { class: "frame" }, icon), make("span", {}, "A picture of yours"));
  }

  /** @param {File} file */
  async #take(file) {
    const { blob, preview } = await reduced(file).catch(() => ({ blob: file, preview: "/icon.svg" }));
    if (this.#keep) {
      this.own = blob;
      this.#add("", "Yours", preview);
      this.choose("");
      this.dispatchEvent(new CustomEvent("choice", { detail: "" }));
    } else {
      this.dispatchEvent(new CustomEvent("picture", { detail: blob }));
    }
  }
}

/**
 * @param {Hero} hero
 * @param {string} token
 */
export function pictureOf(hero, token) {
  return token ? `${hero.picture}?token=${encodeURIComponent(token)}` : hero.picture;
}

/**
 * Brings a picture into the room.
 * @param {string} room
 * @param {string} token
 * @param {Blob} picture
 * @returns {Promise<string>} the new hero's name. Throws Errors whose messages are for people.
 */
export async function upload(room, token, picture) {
  let answer;
  try {
    const headers = { Authorization: `Bearer ${token}` };
    answer = await fetch(`/call/${encodeURIComponent(room)}/heroes`, { method: "POST", headers, body: picture });
  } catch {
    throw new Error("The picture did not get through: try again.");
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 201) return body.name;
  const words = typeof body.error === "string" ? body.error : `the server answered ${answer.status}`;
  throw new Error(`${words[0].toUpperCase()}${words.slice(1)}.`);
}

/** @param {string} name of a hero, for people */
function label(name) {
  return name.startsWith("upload-") ? "Brought along" : name.replaceAll(/[_-]+/g, " ");
}

/**
 * Small enough for any network, upright, and without what a camera writes into its files.
 * @param {File} file
 * @returns {Promise<{blob: Blob, preview: string}>}
 */
async function reduced(file) {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const type = file.type === "image/jpeg" ? file.type : "image/png"; // it may be transparent
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  if (!(blob instanceof Blob)) throw new Error("The picture cannot be read.");
  return { blob, preview: canvas.toDataURL("image/jpeg", QUALITY) };
}
