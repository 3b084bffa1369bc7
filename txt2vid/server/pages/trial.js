// A WebRTC connection that is tried while another way plays: its pictures are under the other's, and it is silent.

/** @typedef {import("./peer.js").Peer} Peer */

const PATIENCE = 15000; // milliseconds for all of it
const PICTURES = 0.3; // seconds of pictures that must have been shown
const LOOK = 100; // milliseconds
const PAUSE = 700; // milliseconds in which nothing is said: more than the other way is late, so that no word is left out
const TALK = 4000; // milliseconds that somebody may speak on without one
const HEARD = 1e-6; // of energy (the square of full scale's samples, times seconds) in LOOK: -50 dB

/**
 * Whether it comes to be live. One that does not is closed.
 * @param {Peer} peer
 * @returns {Promise<boolean>}
 */
export function settled(peer) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => peer.close(), PATIENCE);
    const look = () => {
      if (peer.state !== "live" && peer.state !== "closed") return;
      clearTimeout(timer);
      resolve(peer.state === "live");
    };
    peer.addEventListener("state", look);
    look();
  });
}

/**
 * Whether it comes to show pictures; then the moment to go over to it has come. One that does not is closed.
 * @param {Peer} peer
 * @param {HTMLVideoElement} video in the page, muted
 * @returns {Promise<boolean>}
 */
export async function shows(peer, video) {
  const play = () => {
    video.srcObject = peer.stream;
    video.play().catch(() => {}); // it is muted: what forbids that forbids the old way as well
  };
  peer.addEventListener("stream", play);
  const end = performance.now() + PATIENCE;
  const came = (await settled(peer)) && (await until(() => video.videoWidth > 0 && video.currentTime > PICTURES, peer, end));
  peer.removeEventListener("stream", play);
  if (came) await quiet(peer);
  else peer.close();
  return came && peer.state !== "closed";
}

/** @type {(holds: () => boolean, peer: Peer, end: number) => Promise<boolean>} */
async function until(holds, peer, end) {
  while (!holds()) {
    if (peer.state === "closed" || performance.now() > end) return false;
    await pause();
  }
  return true;
}

/** Waits for a pause in what is said; where it has no sound, there is one. @param {Peer} peer */
async function quiet(peer) {
  const end = performance.now() + TALK;
  let [since, last] = [performance.now(), await peer.energy()];
  while (last !== null && performance.now() - since < PAUSE && performance.now() < end && peer.state === "live") {
    await pause();
    const now = await peer.energy();
    if (now !== null && now - last > HEARD) since = performance.now();
    last = now;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK));
