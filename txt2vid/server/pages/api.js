// What the page asks the server: sessions, their state, their streams; and the token that a server may want for it.

/**
 * @typedef {{name: string, face?: string, width?: number, height?: number, fps?: number, live?: boolean,
 *   speaking?: boolean, viewers?: number, expression?: string, streams?: Record<string, string>}} Session
 *   expression: the mood that stays whoever speaks, "" for none
 * @typedef {{maySpeak: boolean, watchToken: string | null}} Rights
 *   maySpeak: this token lets speak, and not watch alone; watchToken: for a link to give away, "" where watching needs none
 * @typedef {{time: number, zero: number, avOffset: number | null, expression: string, maySpeak: boolean, asked: number,
 *   answered: number}} Status
 *   time: seconds of the session when the server answered; zero: of the session where the stream's time stamps are 0;
 *   avOffset: milliseconds that sound is ahead of the lips; asked, answered: performance.now()
 */

const ROOT = new URL(".", import.meta.url); // of the server, wherever the page is that asks
const KEY = "txt2vid token";
const PATIENCE = 6000; // milliseconds for an answer

/** The server refused, or cannot be reached. The message is for people. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status of HTTP; 0: no answer
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  /** Whether the server wants a token, or another one. */
  get unauthorized() {
    return this.status === 401;
  }
}

/** The server that this page came from. */
export class Api {
  /** @type {string | null} */
  #token;

  /** @param {string | null} token that is not kept beyond this page: a call's pass */
  constructor(token = null) {
    this.#token = token;
  }

  /** The token that is in use. */
  get token() {
    return this.#token;
  }

  /** Takes the token out of the address (so that it is neither shown nor bookmarked), or the one kept by this tab. */
  takeToken() {
    const url = new URL(location.href);
    const given = url.searchParams.get("token");
    if (given === null) {
      this.#token = stored();
      return;
    }
    this.useToken(given);
    url.searchParams.delete("token");
    history.replaceState(history.state, "", url);
  }

  /** @param {string} token */
  useToken(token) {
    this.#token = token.trim() || null;
    try {
      if (this.#token) sessionStorage.setItem(KEY, this.#token);
      else sessionStorage.removeItem(KEY);
    } catch {
      // Storage may be forbidden: then the token lives as long as the page.
    }
  }

  /**
   * @returns {Promise<{sessions: Session[], rights: Rights}>}
   */
  async sessions() {
    const { sessions, may_speak, watch_token } = await this.#json("api/sessions");
    const rights = { maySpeak: may_speak === true, watchToken: typeof watch_token === "string" ? watch_token : null };
    return { sessions: Array.isArray(sessions) ? sessions : [], rights };
  }

  /**
   * @param {string} name
   * @returns {Promise<Status>}
   */
  async status(name) {
    const asked = performance.now();
    const body = await this.#json(`api/sessions/${encodeURIComponent(name)}`);
    const offset = body.stats?.av_offset; // none before it has begun
    return {
      time: Number(body.time ?? NaN), // it may not have begun
      zero: Number(body.zero),
      avOffset: typeof offset === "number" ? offset : null,
      expression: String(body.expression ?? ""),
      maySpeak: body.may_speak === true,
      asked,
      answered: performance.now(),
    };
  }

  /**
   * Has the face of a session show something.
   * @param {string} session
   * @param {string} name of an expression
   * @returns {Promise<string>} the mood that stays from then on, "" for none
   */
  async express(session, name) {
    const body = await this.#json(`api/sessions/${encodeURIComponent(session)}/expression`, { name });
    return String(body.expression ?? "");
  }

  /**
   * Of the mesh page.
   * @param {boolean} annotated
   * @returns {Promise<{link: string, iceServers: RTCIceServer[], maxFaces: number}>}
   */
  about(annotated) {
    return this.#json(`mesh/about${annotated ? "?annotated=1" : ""}`);
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<ReadableStreamDefaultReader<Uint8Array>>}
   */
  async stream(path, signal) {
    const answer = await this.#fetch(path, signal);
    if (!answer.body) throw new ApiError("The server sends an empty stream.", answer.status);
    return answer.body.getReader();
  }

  /**
   * A file, which the browser may keep where the server says so.
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<ArrayBuffer>}
   */
  async bytes(path, signal) {
    const answer = await this.#fetch(path, signal, "default");
    return answer.arrayBuffer().catch(() => {
      throw new ApiError("The connection was lost.", 0);
    });
  }

  /**
   * @param {string} path
   * @returns {string} for an element that sends no headers
   */
  address(path) {
    const url = new URL(path, ROOT);
    if (this.#token) url.searchParams.set("token", this.#token);
    return url.href;
  }

  /**
   * @param {string} path
   * @param {object | null} sent nothing is sent where it is null
   */
  async #json(path, sent = null) {
    const answer = await this.#fetch(path, AbortSignal.timeout(PATIENCE), "no-store", sent);
    try {
      return await answer.json();
    } catch {
      throw new ApiError("The server's answer makes no sense.", answer.status);
    }
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   * @param {RequestCache} cache
   * @param {object | null} sent
   */
  async #fetch(path, signal, cache = "no-store", sent = null) {
    /** @type {Record<string, string>} */
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    if (sent) headers["Content-Type"] = "application/json";
    const more = sent ? { method: "POST", body: JSON.stringify(sent) } : {};
    let answer;
    try {
      answer = await fetch(new URL(path, ROOT), { headers, signal, cache, ...more });
    } catch (error) {
      throw new ApiError("The server cannot be reached.", 0);
    }
    if (!answer.ok) throw new ApiError(await why(answer), answer.status);
    return answer;
  }
}

/**
 * @param {Response} answer
 * @returns {Promise<string>} what the server says of its refusal, else what its number means
 */
async function why(answer) {
  const text = await answer.text().catch(() => "");
  let said = null;
  try {
    said = JSON.parse(text).error;
  } catch {
    said = text;
  }
  if (typeof said === "string" && said.trim() && said.length <= 300 && !said.includes("<")) return sentence(said.trim());
  if (answer.status === 404) return "There is no such session.";
  if (answer.status === 503) return "The server has no room for another viewer.";
  return `The server answered ${answer.status} ${answer.statusText}`.trim() + ".";
}

/** @type {(words: string) => string} as text that goes on behind it needs it */
const sentence = (words) => words[0].toUpperCase() + words.slice(1) + (/[.!?…]$/.test(words) ? "" : ".");

/** @returns {string | null} */
function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
