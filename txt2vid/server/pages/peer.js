// One WebRTC connection that comes or goes by WHIP or WHEP, and begins anew by itself when its network was cut.

import { readStats } from "./peerstats.js";

/** @typedef {"connecting" | "live" | "reconnecting" | "closed"} PeerState */
/** @typedef {import("./peerstats.js").Measured} Measured */
/**
 * @typedef {{path: string, token: string, iceServers: RTCIceServer[], receives: boolean,
 *   prepare: (connection: RTCPeerConnection) => void, reach: () => Promise<void>}} Wanted
 *   path: of WHIP or WHEP; receives: whether something must come all the time; prepare: adds what is to be sent or
 *   received; reach: resolves once the server can be reached
 */

const GATHERING = 500; // milliseconds for candidates: those of the machine itself are there at once
const CONNECTING = 8000; // milliseconds from the server's answer, until UDP counts as blocked
const ANSWERING = 20000; // milliseconds for the first answer: a face may have to be prepared for it
const ASKING = 1000; // milliseconds for a request after a cut: a hung one is worth less than a new one
const DISCONNECTED = 1500; // milliseconds for which ICE may be without an answer
const STILL = 3000; // milliseconds for which nothing may come
const PAUSE = 300; // milliseconds between attempts, and a third more each time, up to PAUSES
const PAUSES = 500;
const MEASURE = 1000; // milliseconds

/** The connection cannot be had as it is wanted. reason: "blocked" (UDP), "none" (the server has no WebRTC). */
export class NoWay extends Error {
  /**
   * @param {"blocked" | "none"} reason
   */
  constructor(reason) {
    super(reason === "blocked" ? "UDP does not get through." : "The server has no WebRTC.");
    this.reason = reason;
  }
}

/** A request got no answer. */
class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
  }
}

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
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {string | null} */
  #place = null; // the server's, of the connection; it is to be deleted before the next
  /** @type {Wanted} */
  #wanted;
  #blocked = 0; // times in a row
  #tell = true; // the server, when it is hung up
  #running = new AbortController();
  #hurry = () => {}; // ends a pause
  /** @type {(why: string) => void} */
  #lost = () => {}; // ends a connection

  /** @param {Wanted} wanted */
  constructor(wanted) {
    super();
    this.#wanted = wanted;
    addEventListener("online", () => this.#hurry(), { signal: this.#running.signal });
    void this.#run(this.#running.signal);
    every(() => this.#measure(), MEASURE, this.#running.signal);
  }

  /**
   * Hangs up.
   * @param {boolean} tell whether the server does not know yet
   */
  close(tell = true) {
    if (this.#running.signal.aborted) return;
    this.#tell = tell;
    this.#running.abort();
    this.#end();
    if (this.#place && tell) void this.#ask(this.#place, { method: "DELETE", keepalive: true }, ANSWERING).catch(() => {});
    this.#say("closed");
  }

  /** @param {MediaStreamTrack | null} track that is sent from now on */
  async send(track) {
    await this.#connection?.getSenders()[0]?.replaceTrack(track);
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    let cut = false; // whether the network may be gone
    for (let failures = 0; !signal.aborted; failures++) {
      const again = this.state !== "connecting"; // it was there already: one that is cut twice is not yet blocked
      try {
        if (cut) await this.#wanted.reach();
        cut = false;
        await this.#clear();
        if (signal.aborted) return;
        const { lost } = await this.#connect(signal);
        failures = -1;
        this.#blocked = 0;
        this.#say("live");
        this.#say("reconnecting", await lost);
        cut = true;
      } catch (error) {
        if (signal.aborted) return this.#end();
        if (error instanceof NoWay && !(again && this.#blocked++ === 0)) return this.#giveUp(error);
        this.#say("reconnecting", error instanceof Error ? error.message : String(error));
        cut = error instanceof Unreachable;
      }
      this.#end();
      if (failures >= 0) await this.#wait(Math.min(PAUSES, PAUSE * 1.33 ** failures), signal);
    }
  }

  /** Has the server forget the last connection: one that speaks could not come back otherwise. */
  async #clear() {
    if (!this.#place) return;
    const { status } = await this.#ask(this.#place, { method: "DELETE" }, ASKING);
    if (status === 200) this.#place = null; // anything else may come from another network's gatekeeper: it is asked again
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<{lost: Promise<string>}>} once it is connected; why it was lost, once it is
   */
  async #connect(signal) {
    const connection = this.#open();
    const offer = await offered(connection);
    const answer = await this.#ask(
      this.#wanted.path,
      { method: "POST", headers: { "Content-Type": "application/sdp" }, body: offer },
      this.#place === null && this.state === "connecting" ? ANSWERING : ASKING * 2,
    );
    if (answer.status === 501) throw new NoWay("none");
    if (answer.status !== 201) throw new Error(await said(answer));
    this.#place = answer.headers.get("Location");
    if (signal.aborted) {
      if (this.#tell) await this.#clear(); // it was hung up meanwhile
      throw new Error("It was hung up.");
    }
    await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    await connected(connection, signal);
    /** @type {Promise<string>} */
    const lost = new Promise((resolve) => {
      this.#lost = resolve;
      watch(connection, resolve);
    });
    return { lost };
  }

  #open() {
    let connection;
    try {
      connection = new RTCPeerConnection({ iceServers: this.#wanted.iceServers, bundlePolicy: "max-bundle" });
    } catch {
      throw new NoWay("blocked"); // forbidden by a policy or an extension
    }
    this.#connection = connection;
    this.stream = new MediaStream();
    connection.addEventListener("track", (event) => {
      this.stream.addTrack(event.track);
      this.dispatchEvent(new Event("stream"));
    });
    this.#wanted.prepare(connection);
    for (const { receiver } of connection.getTransceivers()) {
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0; // delay is what calls suffer from
    }
    return connection;
  }

  #end() {
    this.#connection?.close();
    this.#connection = null;
    this.measured = null;
  }

  /** @param {NoWay} error */
  #giveUp(error) {
    this.noWay = error;
    this.close();
    this.dispatchEvent(new Event("noway"));
  }

  async #measure() {
    if (!this.#connection || this.state !== "live") return;
    this.measured = await readStats(this.#connection, this.measured).catch(() => null);
    if (!this.measured) return;
    if (this.#wanted.receives && this.measured.at - this.measured.heard > STILL) this.#lost("No pictures come.");
    this.dispatchEvent(new Event("measured"));
  }

  /**
   * @param {string} path
   * @param {RequestInit} request
   * @param {number} patience milliseconds
   */
  async #ask(path, request, patience) {
    const headers = { ...request.headers, Authorization: `Bearer ${this.#wanted.token}` };
    try {
      return await fetch(path, { ...request, headers, signal: AbortSignal.timeout(patience), cache: "no-store" });
    } catch {
      throw new Unreachable();
    }
  }

  /** @type {(milliseconds: number, signal: AbortSignal) => Promise<unknown>} */
  #wait(milliseconds, signal) {
    return new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
      this.#hurry = () => resolve(undefined);
      signal.addEventListener("abort", this.#hurry, { once: true });
    });
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
 * @param {RTCPeerConnection} connection
 * @returns {Promise<string>} an offer with the candidates that were found in time
 */
async function offered(connection) {
  await connection.setLocalDescription(await connection.createOffer());
  await new Promise((resolve) => {
    const look = () => connection.iceGatheringState === "complete" && resolve(undefined);
    connection.addEventListener("icegatheringstatechange", look);
    setTimeout(resolve, GATHERING);
    look();
  });
  return connection.localDescription?.sdp ?? "";
}

/**
 * @param {RTCPeerConnection} connection
 * @param {AbortSignal} signal
 * @returns {Promise<void>} Throws NoWay where UDP does not get through.
 */
function connected(connection, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new NoWay("blocked")), CONNECTING);
    const look = () => {
      const state = connection.connectionState;
      if (state === "connected") resolve();
      else if (state === "failed") reject(new NoWay("blocked"));
      else return;
      clearTimeout(timer);
    };
    connection.addEventListener("connectionstatechange", look);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    signal.addEventListener("abort", () => reject(new Error("It was hung up.")), { once: true });
    look();
  });
}

/**
 * @param {RTCPeerConnection} connection
 * @param {(why: string) => void} lost called once it is
 */
function watch(connection, lost) {
  let timer = 0;
  const look = () => {
    clearTimeout(timer);
    const state = connection.connectionState;
    if (state === "failed" || state === "closed") lost("The connection was lost.");
    if (state === "disconnected") timer = setTimeout(() => lost("The network was cut."), DISCONNECTED);
  };
  connection.addEventListener("connectionstatechange", look);
  look();
}

/**
 * @param {Response} answer
 * @returns {Promise<string>} what the server says of its refusal, as a sentence
 */
async function said(answer) {
  const text = (await answer.text().catch(() => "")).trim();
  if (text === "" || text.length > 300) return `The server answered ${answer.status}.`;
  return text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

/** @type {(work: () => void, milliseconds: number, signal: AbortSignal) => void} */
function every(work, milliseconds, signal) {
  const timer = setInterval(work, milliseconds);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
