// One WebRTC connection that comes or goes by WHIP or WHEP, and begins anew by itself when its network was cut.

import { Pause } from "./pause.js";
import { Link, NoWay, Unreachable } from "./peerlink.js";
import { energyOf, readStats } from "./peerstats.js";

/** @typedef {"connecting" | "live" | "reconnecting" | "closed"} PeerState */
/** @typedef {import("./peerstats.js").Measured} Measured */
/**
 * @typedef {{path: string, token: string, iceServers: RTCIceServer[], receives: boolean, beside?: boolean,
 *   prepare: (connection: RTCPeerConnection) => void, reach: () => Promise<void>}} Wanted
 *   path: of WHIP or WHEP; receives: whether something must come all the time; beside: whether the server takes a new
 *   connection while the last one is there; prepare: adds what is to be sent or received; reach: resolves once the
 *   server can be reached
 */

const ANSWERING = 20000; // milliseconds for the first answer: a face may have to be prepared for it
const ASKING = 1000; // milliseconds for a request after a cut: a hung one is worth less than a new one
const REVIVES = 400; // milliseconds in which what was lost comes back by itself, if the network does
const STALLED = 2000; // milliseconds more where only pictures are missing: the server may be slow, and another line would be, too
const PAUSE = 300; // milliseconds between attempts, and a third more each time, up to PAUSES
const PAUSES = 500;
const MEASURE = 1000; // milliseconds

/** Fires "state" when `state` or `reason` changes, "measured" every second, "stream" with a new one, "noway" with a NoWay. */
export class Peer extends EventTarget {
  /** @type {PeerState} */
  state = "connecting";
  reason = "";
  /** @type {Measured | null} */
  measured = null;
  /** What is received. */
  stream = new MediaStream();
  /** @type {NoWay | null} */
  noWay = null;
  /** @type {Link | null} */
  #link = null;
  /** @type {Link | null} */
  #next = null; // on trial
  /** @type {Wanted} */
  #wanted;
  #blocked = 0; // times in a row
  #running = new AbortController();
  #pause = new Pause();

  /** @param {Wanted} wanted */
  constructor(wanted) {
    super();
    this.#wanted = wanted;
    addEventListener("online", () => this.#pause.hurry(), { signal: this.#running.signal });
    void this.#run(this.#running.signal);
    every(() => this.#measure(), MEASURE, this.#running.signal);
  }

  /**
   * Hangs up.
   * @param {boolean} tell whether the server does not know yet
   */
  close(tell = true) {
    if (this.#running.signal.aborted) return;
    this.#running.abort();
    for (const link of [this.#link, this.#next]) link?.close(tell);
    this.#link = this.#next = this.measured = null;
    this.#say("closed");
  }

  /** @param {MediaStreamTrack | null} track that is sent from now on */
  async send(track) {
    for (const link of [this.#link, this.#next]) await link?.connection.getSenders()[0]?.replaceTrack(track);
  }

  /** Of the sound that has come so far; null where there is none. */
  async energy() {
    return this.#link ? energyOf(this.#link.connection).catch(() => null) : null;
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    for (let failures = 0; !signal.aborted; failures++) {
      const again = this.state !== "connecting"; // it was there already: one that is cut twice is not yet blocked
      try {
        const back = this.#link && (await this.#revived(this.#link, signal));
        if (signal.aborted) return; // the place is another one, or none
        const link = back ?? (await this.#begin(signal));
        failures = -1;
        this.#blocked = 0;
        this.#say("live");
        this.#say("reconnecting", await link.lost);
        this.measured = null;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof NoWay && !(again && this.#blocked++ === 0)) return this.#giveUp(error);
        this.#say("reconnecting", error instanceof Error ? error.message : String(error));
        if (error instanceof Unreachable) await this.#wanted.reach();
      }
      if (failures >= 0) await this.#pause.wait(Math.min(PAUSES, PAUSE * 1.33 ** failures), signal);
    }
  }

  /**
   * Waits until a link that was lost is back, or the server can be reached while that is not.
   * @type {(link: Link, outer: AbortSignal) => Promise<Link | null>}
   */
  async #revived(link, outer) {
    const stop = ending(outer);
    const reached = async () => {
      await this.#wanted.reach();
      if (!link.dead && (await link.hears(REVIVES, stop.signal, false))) await this.#pause.wait(STALLED, stop.signal);
    };
    const back = link.back(stop.signal).then((heard) => heard || new Promise(() => {}));
    const first = await Promise.race([back, reached().then(() => false)]);
    stop.abort();
    if (first) link.again();
    return first ? link : null;
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<Link>} one that is connected: a new one, or that of before, if it is back meanwhile
   */
  async #begin(signal) {
    const before = this.#link;
    if (before && !this.#wanted.beside) {
      await before.forget(ASKING);
      before.close(false);
      this.#link = null;
    }
    const patience = this.state === "connecting" ? ANSWERING : ASKING * 2;
    const next = new Link(this.#wanted, (link) => link === this.#link && this.#show(link));
    this.#next = next;
    const stop = ending(signal);
    try {
      const opened = next.open(patience).then(() => next);
      const back = this.#link ? this.#link.back(stop.signal).then((heard) => (heard ? before : opened)) : opened;
      const link = /** @type {Link} */ (await Promise.race([opened, back]));
      if (link === next) this.#take(next);
      else link.again();
      return link;
    } finally {
      stop.abort();
      if (this.#next === next) next.close(true); // it came to nothing
      this.#next = null;
    }
  }

  /** @param {Link} next that takes the last one's place */
  #take(next) {
    this.#link?.close(this.#wanted.receives); // of two that send, the server itself ends the older one
    this.#link = next;
    this.#next = null;
    if (next.stream.getTracks().length) this.#show(next);
  }

  /** @param {Link} link whose pictures and sound are to be seen and heard */
  #show(link) {
    this.stream = link.stream;
    this.dispatchEvent(new Event("stream"));
  }

  /** @param {NoWay} error */
  #giveUp(error) {
    this.noWay = error;
    this.close();
    this.dispatchEvent(new Event("noway"));
  }

  async #measure() {
    if (!this.#link || this.state !== "live") return;
    this.measured = await readStats(this.#link.connection, this.measured).catch(() => null);
    if (this.measured) this.dispatchEvent(new Event("measured"));
  }

  /** @type {(state: PeerState, reason?: string) => void} */
  #say(state, reason = "") {
    if (this.state === "closed" || (state === this.state && reason === this.reason)) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}

/**
 * @param {AbortSignal} outer
 * @returns {AbortController} that is aborted with it
 */
function ending(outer) {
  const inner = new AbortController();
  outer.addEventListener("abort", () => inner.abort(), { signal: inner.signal, once: true });
  return inner;
}

/** @type {(work: () => void, milliseconds: number, signal: AbortSignal) => void} */
function every(work, milliseconds, signal) {
  const timer = setInterval(work, milliseconds);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
