// A caller's connection to a room (the websocket of docs/calls.md), which comes back by itself to the same place.

/** @typedef {{name: string, picture: string}} Hero */
/** @typedef {{id: string, name: string, session: string, hero: string, muted: boolean, here: boolean, expression: string}} Member */
/**
 * @typedef {{id: string, session: string, token: string, resume: string, hero: string, ice_servers: RTCIceServer[],
 *   heroes: Hero[], limits: Record<string, number>}} Welcome
 */
/** @typedef {"connecting" | "lobby" | "in" | "reconnecting" | "over" | "failed"} RoomState */

const SUBPROTOCOL = "txt2vid.call.v1";
const OPENING = 5000; // milliseconds for the first connection
const OPENINGS = [1500, 1500, 2500]; // milliseconds for those after it: a network that is back answers a new one at once
const WAITS = [250, 250, 500]; // milliseconds before a new attempt; of both the last one again and again
const OFFLINE = 3000; // the same while the browser says that there is no network: it slows down whoever failed often
const FRESH = 500; // milliseconds for which a word from the server proves that it can be reached
const PONG = 1500; // milliseconds for one: a server that is slow for a moment gets no new connections for that
const FINAL = new Set(["room", "full", "replaced", "protocol"]); // codes after which coming back is no use

/** @type {Record<string, string>} */
const GOODBYES = {
  left: "You have left the call.",
  over: "The call is over.",
  stopping: "The server is going down, and the call with it.",
};

/** Fires "state", "welcome" (a new place), "members", "heroes", "warning" (a CustomEvent, its detail a sentence) and "caption" (its the message). */
export class Room extends EventTarget {
  /** @type {RoomState} */
  state = "connecting";
  reason = "";
  code = ""; // of the error that ended it
  position = 0; // in the lobby
  /** @type {Welcome | null} */
  welcome = null;
  /** @type {Member[]} */
  members = [];
  /** @type {Hero[]} */
  heroes = [];
  #path;
  #name;
  #hero;
  #resume;
  #muted = false;
  #reads = false;
  #attempt = 0;
  #timer = 0;
  #heard = -Infinity; // performance.now() of the last message
  /** @type {Promise<void> | null} */
  #reaching = null;
  /** @type {WebSocket | null} */
  #socket = null;

  /**
   * @param {string} room
   * @param {string} name of the caller; may be empty
   * @param {string} hero may be empty
   * @param {string | null} resume what `welcome` gave this tab before the page was loaded anew
   */
  constructor(room, name, hero, resume) {
    super();
    this.#path = `/call/${encodeURIComponent(room)}/live`;
    this.#name = name;
    this.#hero = hero;
    this.#resume = resume;
    addEventListener("online", () => this.renew());
    this.#connect();
  }

  get ended() {
    return this.state === "over" || this.state === "failed";
  }

  /** This member as the others see it. */
  get me() {
    return this.members.find((one) => one.id === this.welcome?.id) ?? null;
  }

  /** @param {string} hero */
  choose(hero) {
    this.#hero = hero;
    this.#send({ type: "hero", hero });
  }

  /** @param {boolean} on */
  mute(on) {
    this.#muted = on;
    this.#send({ type: "mute", on });
  }

  /** @param {boolean} on whether captions are wanted, which come as "caption" */
  read(on) {
    this.#reads = on;
    this.#send({ type: "captions", on });
  }

  /** @param {string} name of an expression that this member's face shows */
  express(name) {
    this.#send({ type: "expression", name });
  }

  /** Hangs up. */
  leave() {
    this.#send({ type: "leave" });
    this.#end("over", GOODBYES.left);
  }

  /** The network was cut or is another: what a dead connection would tell after minutes. */
  renew() {
    if (this.ended) return;
    this.#drop();
    this.#connect();
  }

  /**
   * Resolves once the server can be reached, or the call has ended. Requests cannot tell as soon: browsers have them wait
   * for connections that were begun while there was no network, and are tried again more and more seldom.
   */
  async reach() {
    if (this.ended || performance.now() - this.#heard < FRESH) return;
    this.#reaching ??= this.#reach();
    await this.#reaching;
    this.#reaching = null;
  }

  async #reach() {
    const heard = new Promise((resolve) => this.addEventListener("heard", resolve, { once: true }));
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#send({ type: "ping" });
      if (await Promise.race([heard, new Promise((resolve) => setTimeout(() => resolve(null), PONG))])) return;
    }
    this.renew();
    await heard;
  }

  #connect() {
    clearTimeout(this.#timer);
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    const patience = this.#resume ? OPENINGS[Math.min(this.#attempt, OPENINGS.length - 1)] : OPENING;
    this.#timer = setTimeout(() => this.#lost(socket), patience);
    const join = { type: "join", name: this.#name || null, hero: this.#hero || null, resume: this.#resume };
    socket.addEventListener("open", () => socket.send(JSON.stringify(join)));
    socket.addEventListener("message", (event) => socket === this.#socket && this.#hear(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.#lost(socket));
  }

  /** @param {any} message */
  #hear(message) {
    clearTimeout(this.#timer);
    this.#attempt = 0;
    this.#heard = performance.now();
    if (message.type === "welcome") this.#enter(message);
    else if (message.type === "lobby") this.#wait(message.position);
    else if (message.type === "room") this.#show("members", message.members);
    else if (message.type === "heroes") this.#show("heroes", message.heroes);
    else if (message.type === "caption" || message.type === "cut") this.dispatchEvent(new CustomEvent("caption", { detail: message }));
    else if (message.type === "bye") this.#end("over", GOODBYES[message.why] ?? GOODBYES.over);
    else if (message.type === "error") this.#fail(message); // of pongs there is nothing to do
    this.dispatchEvent(new Event("heard"));
  }

  /** @param {Welcome} welcome */
  #enter(welcome) {
    const fresh = welcome.session !== this.welcome?.session || welcome.token !== this.welcome?.token;
    this.welcome = welcome;
    this.#resume = welcome.resume;
    this.#say("in");
    this.#show("heroes", welcome.heroes);
    if (this.#muted) this.#send({ type: "mute", on: true });
    if (this.#reads) this.#send({ type: "captions", on: true });
    if (fresh) this.dispatchEvent(new Event("welcome"));
  }

  /** @param {number} position */
  #wait(position) {
    this.welcome = this.#resume = null;
    this.members = [];
    this.position = position;
    this.state = "lobby";
    this.reason = "";
    this.dispatchEvent(new Event("state"));
  }

  /** @type {(what: "members" | "heroes", list: any[]) => void} */
  #show(what, list) {
    this[what] = list;
    this.dispatchEvent(new Event(what));
  }

  /** @param {{code: string, message: string, warning: boolean}} error */
  #fail({ code, message, warning }) {
    const words = message[0].toUpperCase() + message.slice(1) + (/[.!?…]$/.test(message) ? "" : ".");
    if (warning && code === "expression") {
      this.dispatchEvent(new Event("members")); // it shows what it showed
    } else if (warning) {
      this.dispatchEvent(new CustomEvent("warning", { detail: words }));
    } else if (FINAL.has(code)) {
      this.code = code;
      this.#end("failed", words);
    } else {
      this.reason = words; // the connection closes now, and comes back
    }
  }

  /** @param {WebSocket} socket */
  #lost(socket) {
    if (socket !== this.#socket || this.ended) return;
    this.#drop();
    const known = this.welcome !== null || this.state === "lobby";
    this.#say(known ? "reconnecting" : "connecting", this.reason || "The server cannot be reached.");
    const wait = navigator.onLine ? WAITS[Math.min(this.#attempt++, WAITS.length - 1)] : OFFLINE;
    this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2));
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket && socket.readyState <= WebSocket.OPEN) socket.close(4000, "again"); // not 1000: the place is kept
  }

  /** @type {(state: RoomState, reason: string) => void} */
  #end(state, reason) {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.#say(state, reason);
    this.dispatchEvent(new Event("heard")); // nobody needs to wait any more
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @type {(state: RoomState, reason?: string) => void} */
  #say(state, reason = "") {
    if (state === this.state && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}
