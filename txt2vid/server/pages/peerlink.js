// One RTCPeerConnection and its place at the server (WHIP, WHEP): offered, connected, listened for, ended.

/** @typedef {import("./peer.js").Wanted} Wanted */

const GATHERING = 500; // milliseconds for candidates: those of the machine itself are there at once
const SOON = 50; // milliseconds after the first one, where there is no server to ask for others
const CONNECTING = 8000; // milliseconds from the server's answer, until UDP counts as blocked
const LEAVING = 20000; // milliseconds for a farewell
const DISCONNECTED = 1500; // milliseconds for which ICE may be without an answer
const STILL = 1000; // milliseconds for which nothing may come: 25 pictures and 50 packets of sound are due
const BEGINS = 3000; // milliseconds for the first
const LOOK = 100; // milliseconds

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
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
  }
}

/** `open` it once; `close` it in the end. */
export class Link {
  /** @type {(why: string) => void} */
  #lose = () => {};
  /** What is received. */
  stream = new MediaStream();
  /** @type {RTCPeerConnection} */
  connection;
  /** Resolves with why, once nothing gets through any more; it may come back all the same (`again`). @type {Promise<string>} */
  lost = this.#promise();
  /** @type {string | null} */
  #place = null; // at the server
  #wanted;
  #tell = true; // the server, when it is hung up
  #over = new AbortController();
  #newest = ""; // of the packets that were played
  #heard = 0; // performance.now() when that changed
  #disconnected = NaN; // performance.now() since when ICE gets no answer

  /**
   * @param {Wanted} wanted
   * @param {(link: Link) => void} onTrack called when something more is received
   */
  constructor(wanted, onTrack) {
    this.#wanted = wanted;
    try {
      this.connection = new RTCPeerConnection({ iceServers: wanted.iceServers, bundlePolicy: "max-bundle" });
    } catch {
      throw new NoWay("blocked"); // forbidden by a policy or an extension
    }
    this.connection.addEventListener("track", (event) => {
      this.stream.addTrack(event.track);
      onTrack(this);
    });
    wanted.prepare(this.connection);
    for (const { receiver } of this.connection.getTransceivers()) {
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0; // delay is what calls suffer from
    }
  }

  /**
   * Connects. Throws NoWay, Unreachable, and what the server says.
   * @param {number} patience milliseconds for the server's answer
   */
  async open(patience) {
    const offer = await offered(this.connection, this.#wanted.iceServers.length > 0);
    if (this.#over.signal.aborted) throw new Error("It was hung up.");
    const answer = await this.#ask(
      this.#wanted.path,
      { method: "POST", headers: { "Content-Type": "application/sdp" }, body: offer },
      patience,
    );
    if (answer.status === 501) throw new NoWay("none");
    if (answer.status !== 201) throw new Error(await said(answer));
    this.#place = answer.headers.get("Location");
    if (this.#over.signal.aborted) {
      this.#leave(); // it was hung up meanwhile
      throw new Error("It was hung up.");
    }
    await this.connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    await connected(this.connection, this.#over.signal);
    this.again();
    const timer = setInterval(() => this.#look(performance.now()), LOOK);
    this.#over.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** It is connected, for the first time or again: `lost` is another promise. */
  again() {
    this.lost = this.#promise();
    this.#heard = performance.now();
    this.#disconnected = NaN;
  }

  /**
   * Hangs up.
   * @param {boolean} tell whether the server does not know yet
   */
  close(tell) {
    this.#tell = tell;
    this.#leave();
    this.#over.abort();
    this.connection.close();
    this.#lose("It was hung up.");
  }

  /**
   * Has the server forget it, which waits. Throws Unreachable.
   * @param {number} patience milliseconds
   */
  async forget(patience) {
    if (!this.#place) return;
    const { status } = await this.#ask(this.#place, { method: "DELETE" }, patience);
    if (status === 200) this.#place = null; // anything else may come from another network's gatekeeper: it is asked again
  }

  /** Whether it can never come back. */
  get dead() {
    return ["failed", "closed"].includes(this.connection.connectionState);
  }

  /**
   * Resolves once it is heard from again, though it was lost; with false where it never will be.
   * @param {AbortSignal} signal ends the wait
   */
  async back(signal) {
    if (this.#wanted.receives) return this.hears(Infinity, signal, true);
    while (!signal.aborted && !this.dead && this.connection.connectionState !== "connected") await pause(LOOK);
    return !signal.aborted && !this.dead;
  }

  /**
   * Whether anything comes within that time.
   * @param {number} patience milliseconds
   * @param {AbortSignal} signal ends the wait
   * @param {boolean} media whether that must be sound or pictures
   */
  async hears(patience, signal, media) {
    const end = performance.now() + patience;
    let [last, times] = [await this.#count(media), 0];
    while (performance.now() < end && !signal.aborted && !this.dead) {
      await pause(LOOK);
      const now = await this.#count(media);
      if (now !== last && ++times > 1) return true; // one alone may have been on its way for long
      last = now;
    }
    return false;
  }

  /** @param {boolean} media @returns {Promise<number>} that grows with what comes */
  async #count(media) {
    const found = await this.connection.getStats().catch(() => new Map());
    const reports = [.../** @type {Map<string, any>} */ (found).values()];
    const wanted = reports.filter((one) => one.type === (media ? "inbound-rtp" : "candidate-pair"));
    return wanted.reduce((sum, one) => sum + (one.bytesReceived ?? 0) + (one.responsesReceived ?? 0), 0);
  }

  #promise() {
    /** @type {Promise<string>} */
    const lost = new Promise((resolve) => (this.#lose = resolve));
    return lost;
  }

  /** @param {number} now */
  #look(now) {
    const state = this.connection.connectionState;
    if (state === "failed" || state === "closed") return this.#lose("The connection was lost.");
    if (state !== "disconnected") this.#disconnected = NaN;
    else if (Number.isNaN(this.#disconnected)) this.#disconnected = now;
    else if (now - this.#disconnected > DISCONNECTED) this.#lose("The network was cut.");
    if (!this.#wanted.receives) return;
    const newest = sources(this.connection);
    if (newest !== this.#newest) [this.#newest, this.#heard] = [newest, now];
    else if (now - this.#heard > (newest === "" ? BEGINS : STILL)) this.#lose("No pictures come.");
  }

  #leave() {
    const place = this.#place;
    this.#place = null;
    if (place && this.#tell) void this.#ask(place, { method: "DELETE", keepalive: true }, LEAVING).catch(() => {});
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
}

/** @type {(milliseconds: number) => Promise<unknown>} */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {RTCPeerConnection} connection
 * @returns {string} which packets were played last
 */
function sources(connection) {
  const all = connection.getReceivers().flatMap((receiver) => receiver.getSynchronizationSources());
  return all.map((one) => `${one.rtpTimestamp} ${one.timestamp}`).join();
}

/**
 * @param {RTCPeerConnection} connection
 * @param {boolean} servers whether there are any that must be asked for candidates
 * @returns {Promise<string>} an offer with the candidates that were found in time
 */
async function offered(connection, servers) {
  const complete = new Promise((resolve) => {
    connection.addEventListener("icecandidate", ({ candidate }) => {
      if (!candidate) resolve(undefined);
      else if (!servers) setTimeout(resolve, SOON);
    });
  });
  await connection.setLocalDescription(await connection.createOffer());
  await Promise.race([complete, pause(GATHERING)]);
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
 * @param {Response} answer
 * @returns {Promise<string>} what the server says of its refusal, as a sentence
 */
async function said(answer) {
  const text = (await answer.text().catch(() => "")).trim();
  if (text === "" || text.length > 300) return `The server answered ${answer.status}.`;
  return text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}
