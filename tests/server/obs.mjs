// Sends as OBS 30 does, with the library that OBS has (libdatachannel): H.264 and Opus to be sent in one bundle, no
// candidate in the offer, DELETE at the end. Run beside node_modules: node obs.mjs URL TOKEN PACKETS, a JSON list of
// Opus packets in base64. Goes on until stdin ends.
import fs from "node:fs";
import library from "node-datachannel";

const [url, token, file] = process.argv.slice(2);
const packets = JSON.parse(fs.readFileSync(file, "utf8")).map((one) => Buffer.from(one, "base64"));
const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` };
const peer = new library.PeerConnection("obs", { iceServers: [], disableAutoNegotiation: true });

/** A track that is sent, its media's description filled by the caller. */
function sent(media, source, type, rate, packetizer) {
  media.addSSRC(source, "obs", "stream", `stream-${media.mid()}`);
  const track = peer.addTrack(media);
  const config = new library.RtpPacketizationConfig(source, "obs", type, rate);
  const handler = packetizer(config);
  handler.addToChain(new library.RtcpSrReporter(config));
  handler.addToChain(new library.RtcpNackResponder());
  track.setMediaHandler(handler);
  return { track, config };
}

const audio = new library.Audio("0", "SendOnly");
audio.addOpusCodec(111);
const sound = sent(audio, 2001, 111, 48000, (config) => new library.RtpPacketizer(config));
const video = new library.Video("1", "SendOnly");
video.addH264Codec(96);
const picture = sent(video, 2002, 96, 90000, (config) => new library.H264RtpPacketizer("LongStartSequence", config, 1200));
const frame = Buffer.concat([Buffer.from([0, 0, 0, 1, 0x65]), Buffer.alloc(15_000, 7)]); // nobody looks at it

const offer = await new Promise((resolve) => {
  peer.onLocalDescription(resolve);
  peer.setLocalDescription("offer"); // and not waited for candidates
});
const answer = await fetch(url, { method: "POST", headers, body: offer });
if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
peer.setRemoteDescription(await answer.text(), "answer");
const place = new URL(answer.headers.get("Location"), url);

let number = 0;
const timer = setInterval(() => {
  if (!sound.track.isOpen()) return;
  sound.config.timestamp = 960 * number;
  sound.track.sendMessageBinary(packets[number % packets.length]);
  picture.config.timestamp = 1800 * number;
  if (picture.track.isOpen()) picture.track.sendMessageBinary(frame);
  number += 1;
}, 20);
process.stdin.resume();
process.stdin.on("end", async () => {
  clearInterval(timer);
  const { status } = await fetch(place, { method: "DELETE", headers });
  peer.close();
  library.cleanup();
  process.exit(status === 200 ? 0 : 1);
});
