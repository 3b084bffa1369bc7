// A call that goes on: who is there, how each is connected, and the words for it.

import { Again } from "./again.js";
import { stayAwake } from "./awake.js";
import { pictureOf } from "./gallery.js";
import { Numbers } from "./numbers.js";
import { element, setText } from "./page.js";
import { Room } from "./room.js";
import { Tile } from "./tile.js";
import { Uplink } from "./uplink.js";

/** @typedef {import("./tile.js").Way} Way */
/** @typedef {import("./mic.js").Microphone} Microphone */
/**
 * @typedef {{room: string, name: string, hero: string, resume: string | null, microphone: Microphone}} Joining
 */

const SLOWER = "so pictures come over the web address: half a second later.";
/** @type {Record<string, string>} why */
const BECAUSE = {
  blocked: `UDP is blocked here, ${SLOWER}`,
  none: `This server has no WebRTC, ${SLOWER}`,
  browser: `This browser has no WebRTC, ${SLOWER}`,
};

/** Fires "change" when anything does, and "end" when the call is over. */
export class Live extends EventTarget {
  room;
  /** @type {Way} */
  way = "webrtc";
  notice = ""; // why it is not WebRTC
  hint = ""; // what the microphone wants
  draws = false; // whether faces are drawn here
  captions = false; // whether what is said is read along
  /** @type {Uplink | null} */
  uplink = null;
  /** @type {Map<string, Tile>} by session */
  tiles = new Map();
  drawNotice = ""; // why some, or all, are not
  /** @type {Set<string>} */
  #undrawable = new Set(); // sessions
  #microphone;
  #numbers = new Numbers(this);
  #gone = new AbortController();
  #again = new Again(() => this.#goBack(), this.#gone.signal); // WebRTC, where it could not be had
  #track; // that it sends

  /** @param {Joining} joining */
  constructor({ room, name, hero, resume, microphone }) {
    super();
    this.#microphone = microphone;
    this.#track = microphone.track;
    if (!("RTCPeerConnection" in globalThis)) this.#fallBack("browser");
    this.room = new Room(room, name, hero, resume);
    this.room.addEventListener("welcome", () => this.#begin());
    this.room.addEventListener("members", () => this.#arrange());
    this.room.addEventListener("heroes", () => this.#arrange());
    this.room.addEventListener("state", () => this.#stateChanged());
    this.room.addEventListener("caption", (event) => {
      const message = /** @type {CustomEvent} */ (event).detail;
      const tile = this.tiles.get(message.session);
      if (this.captions && tile && !tile.mine) tile.captions.take(message);
    });
    const signal = this.#gone.signal;
    stayAwake(signal);
    addEventListener("pagehide", () => this.#hangUpLines(true), { signal });
    microphone.addEventListener("state", () => this.#micChanged(), { signal });
    if (microphone.muted) this.room.mute(true);
  }

  /** Whether anything of it can be seen: a place in the room. */
  get inside() {
    return this.room.welcome !== null;
  }

  hangUp() {
    this.room.leave(); // all lines end with the place
  }

  /** @param {boolean} draws whether faces are drawn here from now on, and no pictures come */
  draw(draws) {
    this.draws = draws;
    this.drawNotice = "";
    this.#undrawable.clear();
    for (const tile of this.tiles.values()) this.#connect(tile);
    this.#changed();
  }

  /** @param {boolean} on whether what the others say is written under their pictures */
  read(on) {
    this.captions = on;
    this.room.read(on);
    for (const tile of this.tiles.values()) tile.captions.turn(on);
  }

  /** In one or two sentences: how the call is. */
  get words() {
    const { state, reason, position, members } = this.room;
    if (state === "lobby") return `The call is full. You are number ${position} in the lobby, and will be let in.`;
    if (state === "connecting") return reason ? `Connecting… ${reason}` : "Connecting…";
    if (state === "reconnecting") return `Reconnecting… ${reason}`;
    if (this.uplink?.state === "reconnecting") return `You are not heard just now: ${this.uplink.reason} Reconnecting…`;
    if (this.uplink?.state === "connecting") return "Connecting your microphone…";
    const count = members.length;
    const mute = this.#microphone.track ? (this.#microphone.muted ? " You are muted." : "") : " You only listen.";
    return `Live, ${count === 1 ? "nobody else is here" : `${count} are here`}.${mute}`;
  }

  /** @returns {"live" | "connecting" | "reconnecting" | "lobby" | "failed"} */
  get state() {
    const { state } = this.room;
    if (state === "over") return "failed";
    if (state !== "in") return state;
    const up = this.uplink?.state ?? "closed";
    return up === "reconnecting" || up === "connecting" ? up : "live";
  }

  /** A new place in the room: everything is connected anew. */
  #begin() {
    this.#hangUpLines(false); // they ended with the last place
    const welcome = this.room.welcome;
    if (!welcome) return;
    this.uplink = new Uplink(welcome.session, this.#access(false), this.#microphone);
    this.uplink.addEventListener("change", () => this.#changed());
    this.uplink.addEventListener("noway", () => this.#noWay(this.uplink?.line));
    this.uplink.connect(this.way);
    this.#arrange();
  }

  /** @param {boolean} mine */
  #access(mine) {
    const { token = "", ice_servers = [] } = this.room.welcome ?? {};
    return { token, iceServers: ice_servers, reach: () => this.room.reach(), mine };
  }

  /** One tile for each member. */
  #arrange() {
    const { members, heroes, welcome } = this.room;
    if (!welcome) return this.#changed();
    for (const [session, tile] of this.tiles) {
      if (members.some((one) => one.session === session)) continue;
      this.#remove(session, tile, false);
      setText(element("said"), `${tile.member.name || "Somebody"} has left.`);
    }
    for (const member of members) {
      const tile = this.tiles.get(member.session) ?? this.#add(member);
      const hero = heroes.find((one) => one.name === member.hero);
      tile.show(member, hero ? pictureOf(hero, welcome.token) : "");
    }
    this.#changed();
  }

  /** @param {import("./room.js").Member} member */
  #add(member) {
    const mine = member.id === this.room.welcome?.id;
    const tile = new Tile(member, this.#access(mine));
    this.tiles.set(member.session, tile);
    tile.captions.turn(this.captions);
    element(mine ? "mine" : "others").append(tile.element);
    tile.addEventListener("change", () => this.#changed());
    tile.addEventListener("noway", () => this.#noWay(tile.peer));
    tile.addEventListener("nodrawing", () => this.#noDrawing(tile));
    this.#connect(tile);
    if (!mine) setText(element("said"), `${member.name || "Somebody"} is here.`);
    return tile;
  }

  /** @type {(session: string, tile: Tile, tell: boolean) => void} */
  #remove(session, tile, tell) {
    this.tiles.delete(session);
    tile.close(tell);
    tile.captions.turn(false);
    tile.element.remove();
  }

  /** @param {boolean} tell whether the server does not know yet */
  #hangUpLines(tell) {
    this.uplink?.close(tell);
    this.uplink = null;
    for (const [session, tile] of this.tiles) this.#remove(session, tile, tell);
  }

  /** @param {unknown} line the Peer that cannot be had */
  #noWay(line) {
    const reason = /** @type {import("./peer.js").Peer | null} */ (line)?.noWay?.reason;
    if (this.way === "web") return;
    this.#fallBack(reason ?? "blocked");
    if (reason !== "none") this.#again.begin();
    this.uplink?.connect(this.way);
    for (const tile of this.tiles.values()) if (!tile.face) this.#connect(tile);
    this.#changed();
  }

  /** Tries WebRTC beside the web address: the own picture first, and then all. Whether it is had. */
  async #goBack() {
    const tiles = [...this.tiles.values()].filter((tile) => tile.player);
    tiles.sort((one, other) => Number(other.mine) - Number(one.mine)); // the first shows whether it is worth while
    const [first, ...others] = [...tiles, ...(this.uplink ? [this.uplink] : [])];
    if (!(await first?.upgrade()) || this.#gone.signal.aborted) return false;
    this.way = "webrtc";
    this.notice = "";
    this.#changed();
    const had = await Promise.all(others.map((line) => line.upgrade()));
    return had.every(Boolean);
  }

  /** @param {Tile} tile */
  #connect(tile) {
    tile.connect(this.way, this.draws && !this.#undrawable.has(tile.member.session));
  }

  /** @param {Tile} tile whose face comes as a video instead */
  #noDrawing(tile) {
    this.drawNotice = tile.face?.reason ? `A face comes as video: ${tile.face.reason}` : "A face comes as video.";
    this.#undrawable.add(tile.member.session);
    this.#connect(tile);
    this.#changed();
  }

  /** @param {string} why */
  #fallBack(why) {
    this.way = "web";
    this.notice = BECAUSE[why] ?? BECAUSE.blocked;
  }

  #stateChanged() {
    if (this.room.state === "lobby") this.#hangUpLines(false);
    if (this.room.ended) {
      this.#hangUpLines(this.room.code === "replaced"); // another tab has the place, and goes on
      this.#gone.abort();
      this.#numbers.close();
      this.dispatchEvent(new Event("end"));
    }
    this.#changed();
  }

  #micChanged() {
    if (this.#microphone.track !== this.#track) {
      this.#track = this.#microphone.track;
      this.uplink?.change(this.way);
    }
    this.hint = this.#microphone.reason;
    this.room.mute(this.#microphone.muted);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
