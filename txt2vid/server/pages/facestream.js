// A session's motion, sound and face over one websocket, which comes back by itself after whatever goes wrong.

import { MeshReader } from "./meshwire.js";

const WAITS = [250, 500, 1000, 2000, 4000]; // milliseconds before a new attempt; the last one again and again
const SILENCE = 5000; // milliseconds without a message after which the connection counts as lost
const OPENING = 20000; // milliseconds for the first one: a face may have to be prepared for it
const TELL = 400; // milliseconds between words of what has come
const FINAL = new Set(["face", "session", "protocol"]); // codes after which coming back is no use

/** @typedef {import("./meshwire.js").Moved} Moved */
/** @typedef {import("./meshwire.js").Sound} Sound */

/**
 * Fires "message" (a CustomEvent of {motions, sounds}), "open" with each connection's first word, "lost" (of a sentence)
 * when one ends, and "over" (of {code, message}) when there will be none any more.
 */
export class FaceStream extends EventTarget {
  received = 0; // bytes
  #address;
  #running = new AbortController();
  #attempt = 0;
  #hurry = () => {};

  /** @param {string} address of the websocket, with what lets it in */
  constructor(address) {
    super();
    this.#address = address;
    addEventListener("online", () => this.#hurry(), { signal: this.#running.signal });
    void this.#run(this.#running.signal);
  }

  close() {
    this.#running.abort();
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    for (; !signal.aborted; this.#attempt++) {
      const { code, message } = await this.#converse(signal);
      if (signal.aborted) return;
      if (FINAL.has(code)) {
        this.#tell("over", { code, message });
        return;
      }
      this.#tell("lost", message || "The connection was lost.");
      await this.#wait(WAITS[Math.min(this.#attempt, WAITS.length - 1)], signal);
    }
  }

  /** @type {(signal: AbortSignal) => Promise<{code: string, message: string}>} one connection, until it ends, and why */
  #converse(signal) {
    return new Promise((resolve) => {
      const socket = new WebSocket(this.#address);
      socket.binaryType = "arraybuffer";
      const reader = new MeshReader();
      let why = { code: "", message: "" };
      let timer = 0;
      let told = 0;
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        socket.onmessage = socket.onclose = null;
        socket.close();
        resolve(why);
      };
      const alive = (/** @type {number} */ patience) => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          why = { code: "", message: "Nothing comes from the server." };
          end();
        }, patience);
      };
      signal.addEventListener("abort", end, { once: true });
      socket.onclose = end;
      socket.onmessage = ({ data }) => {
        alive(SILENCE);
        if (typeof data === "string") {
          const word = wordOf(data);
          if (word?.type === "error") why = word;
          else if (word?.type === "hello") this.#tell("open", word);
          return; // others are of a later time
        }
        this.#attempt = 0;
        this.received += data.byteLength;
        const got = this.#taken(reader, data);
        if (!got) return end();
        if (got.motions.length && performance.now() - told > TELL) {
          told = performance.now();
          socket.send(JSON.stringify({ type: "got", position: /** @type {Moved} */ (got.motions.at(-1)).position }));
        }
      };
      alive(OPENING);
    });
  }

  /** @type {(reader: MeshReader, data: ArrayBuffer) => {motions: Moved[], sounds: Sound[]} | null} null: it made no sense */
  #taken(reader, data) {
    try {
      const got = reader.read(data);
      this.#tell("message", got);
      return got;
    } catch (error) {
      console.warn(error); // a new connection begins at a key
      return null;
    }
  }

  /** @type {(milliseconds: number, signal: AbortSignal) => Promise<unknown>} */
  #wait(milliseconds, signal) {
    return new Promise((resolve) => {
      this.#hurry = () => resolve(undefined);
      setTimeout(resolve, milliseconds * (0.75 + Math.random() / 2)); // viewers of one server do not all come back at once
      signal.addEventListener("abort", this.#hurry, { once: true });
    });
  }

  /** @type {(name: string, detail: unknown) => void} */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @type {(text: string) => any} */
function wordOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
