// The buttons of the player. What a browser cannot do has none.

import { element, ICONS } from "./page.js";

/** Sound, pause, full screen, picture in picture. */
export class Controls {
  #sound = element("sound");
  #pause = element("pause");
  #mute = element("mute");
  #full = element("full");
  #picture = element("picture");
  #volume = /** @type {HTMLInputElement} */ (element("volume"));
  /** @type {HTMLVideoElement} */
  #video;
  /** @type {import("./player.js").Player} */
  #player;

  /**
   * @param {HTMLVideoElement} video
   * @param {import("./player.js").Player} player
   */
  constructor(video, player) {
    this.#video = video;
    this.#player = player;
    this.#sound.addEventListener("click", () => this.#listen());
    video.addEventListener("click", () => (video.muted ? this.#listen() : this.#toggle()));
    this.#pause.addEventListener("click", () => this.#toggle());
    this.#mute.addEventListener("click", () => this.#setMuted(!video.muted));
    this.#volume.addEventListener("input", () => this.#setVolume(Number(this.#volume.value)));
    video.addEventListener("volumechange", () => this.#show());
    player.addEventListener("state", () => this.#show());
    this.#offerPicture();
    offerFull(this.#full, element("screen"), video);
    this.#show();
  }

  #listen() {
    const focused = document.activeElement === this.#sound;
    this.#player.playWithSound();
    this.#show();
    if (focused) this.#mute.focus(); // the button goes away; the keyboard stays nearby
  }

  #toggle() {
    if (this.#player.state === "paused") this.#player.resume();
    else this.#player.pause();
  }

  /** @param {boolean} muted */
  #setMuted(muted) {
    if (muted) this.#video.muted = true;
    else this.#player.playWithSound();
  }

  /** @param {number} volume */
  #setVolume(volume) {
    this.#video.volume = volume;
    if (volume > 0 && this.#video.muted) this.#player.playWithSound();
  }

  #show() {
    const { muted, volume } = this.#video;
    const { state } = this.#player;
    this.#sound.hidden = !(muted && !["idle", "failed", "ended", "reconnecting"].includes(state));
    label(this.#pause, state === "paused" ? "play" : "pause", state === "paused" ? "Play" : "Pause");
    label(this.#mute, muted || volume === 0 ? "muted" : "sound", muted ? "Sound on" : "Sound off");
    this.#volume.value = String(muted ? 0 : volume);
    const nothing = state === "idle" || state === "failed";
    for (const part of [this.#pause, this.#mute, this.#volume, this.#picture]) part.toggleAttribute("disabled", nothing);
  }

  #offerPicture() {
    if (!document.pictureInPictureEnabled) return;
    this.#picture.hidden = false;
    this.#picture.addEventListener("click", () => {
      const done = document.pictureInPictureElement
        ? document.exitPictureInPicture()
        : this.#video.requestPictureInPicture();
      done.catch(() => {}); // before the first picture there is nothing to take out
    });
  }
}

/**
 * A button for the full screen, where there is such a thing.
 * @param {HTMLElement} button
 * @param {HTMLElement} screen
 * @param {HTMLVideoElement & {webkitEnterFullscreen?: () => void} | null} video iPhones know nothing else
 */
export function offerFull(button, screen, video = null) {
  const show = () => {
    const on = document.fullscreenElement !== null;
    label(button, on ? "small" : "full", on ? "Leave full screen" : "Full screen");
  };
  button.hidden = !document.fullscreenEnabled && !video?.webkitEnterFullscreen;
  button.addEventListener("click", () => {
    if (!document.fullscreenEnabled) video?.webkitEnterFullscreen?.();
    else if (document.fullscreenElement) void document.exitFullscreen();
    else void screen.requestFullscreen();
  });
  document.addEventListener("fullscreenchange", show);
  show();
}

/**
 * @param {HTMLElement} button
 * @param {string} icon of icons.svg
 * @param {string} words
 */
export function label(button, icon, words) {
  if (button.title === words) return;
  button.querySelector("use")?.setAttribute("href", `${ICONS}#${icon}`);
  button.title = words;
  button.setAttribute("aria-label", words);
}
