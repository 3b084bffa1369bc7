// The small print of a call: how far the server is, how much is held back, and what goes up and down.

import { element, setText } from "./page.js";

/** @typedef {import("./peer.js").Peer} Peer */

const EVERY = 1000; // milliseconds

/** Reads and shows them until it is closed. */
export class Numbers {
  #live;
  #timer;
  #before = { at: NaN, up: 0, down: 0 };
  #faces = { at: NaN, down: 0 }; // of those that are drawn here

  /** @param {import("./live.js").Live} live */
  constructor(live) {
    this.#live = live;
    this.#timer = setInterval(() => setText(element("numbers"), this.#words()), EVERY);
  }

  close() {
    clearInterval(this.#timer);
    setText(element("numbers"), "");
  }

  #words() {
    const { state } = this.#live;
    if (state === "lobby" || state === "connecting") return "";
    const [upPeers, downPeers, trip, buffer] = this.#ofPeers();
    const [upWeb, downWeb] = this.#ofWeb();
    const [up, down] = [upPeers + upWeb, downPeers + downWeb + this.#ofFaces()];
    const words = [
      trip === null ? "" : `Round trip ${Math.round(trip)} ms`,
      buffer === null ? "" : `buffer ${Math.round(buffer)} ms`,
      Number.isFinite(up + down) ? `↑ ${Math.round(up)} ↓ ${Math.round(down)} kbit/s` : "",
    ];
    return words.filter(Boolean).join(" · ");
  }

  /** @returns {[number, number, number | null, number | null]} kbit/s up and down, milliseconds there and back, and held */
  #ofPeers() {
    const { uplink, tiles } = this.#live;
    const peers = [uplink?.line, ...[...tiles.values()].map((tile) => tile.peer)];
    const known = peers.flatMap((peer) => (peer && "measured" in peer && peer.measured ? [peer.measured] : []));
    const sum = (/** @type {"up" | "down"} */ which) => known.reduce((all, one) => all + one[which], 0);
    return [sum("up"), sum("down"), most(known.map((one) => one.roundTrip)), most([...known.map((one) => one.buffer), ...this.#held()])];
  }

  /** kbit/s down of motion and sound. */
  #ofFaces() {
    const down = [...this.#live.tiles.values()].reduce((sum, tile) => sum + (tile.face?.received ?? 0), 0);
    const before = this.#faces;
    this.#faces = { at: performance.now(), down };
    return Number.isNaN(before.at) ? 0 : Math.max(0, ((down - before.down) * 8) / (this.#faces.at - before.at));
  }

  /** Milliseconds that each tile holds back. */
  #held() {
    return [...this.#live.tiles.values()].map((tile) => tile.held);
  }

  /** @returns {[number, number]} kbit/s up and down; no numbers the first time */
  #ofWeb() {
    const { uplink, tiles } = this.#live;
    const line = uplink?.line;
    const up = line && "sent" in line ? line.sent : 0;
    const all = [...tiles.values()];
    const down = all.reduce((sum, tile) => sum + tile.received, 0);
    const at = performance.now();
    const { at: then, up: upThen, down: downThen } = this.#before;
    this.#before = { at, up, down };
    const rate = (/** @type {number} */ bytes) => Math.max(0, (bytes * 8) / (at - then)); // bits a millisecond
    return [rate(up - upThen), rate(down - downThen)];
  }
}

/**
 * @param {(number | null)[]} values
 * @returns {number | null}
 */
function most(values) {
  const known = values.filter((one) => one !== null);
  return known.length ? Math.max(...known) : null;
}
