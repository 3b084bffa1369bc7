// Server-sent events of a fetched answer. EventSource sends no headers: its token would be in the address, and in logs.

const MOST = 64 * 1024; // characters of one event

/** Bytes in, whole events out. */
export class EventReader {
  #decoder = new TextDecoder();
  #rest = "";

  /**
   * @param {Uint8Array} bytes
   * @returns {{name: string, data: string}[]} Comments are passed over. Throws where an event has no end.
   */
  push(bytes) {
    const blocks = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    if (this.#rest.length > MOST) throw new Error("What the server sends is no list of events.");
    return blocks.map(event).filter((one) => one.data !== "");
  }
}

/** @param {string} block */
function event(block) {
  const made = { name: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (field === "event") made.name = value;
    if (field === "data") made.data += made.data ? `\n${value}` : value;
  }
  return made;
}
