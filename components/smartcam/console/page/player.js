/** Shows one camera live: a thin shell around the WebSocket, Media Source Extensions and JPEG. */

import { forgettable, keepUp, momentOf, momentOfStamp } from "./step.js";
import { answerOffer } from "./webrtc.js";

const LONGEST_WAIT_S = 15, BLACK_MS = 5000;
const Source = window.ManagedMediaSource ?? window.MediaSource;

/** Appends strictly in order: the next one only after the last is in. */
function videoFeed(video, about, fail) {
  const source = new Source();
  const address = URL.createObjectURL(source);
  const queue = [];
  let buffer = null, begins = true;
  const next = () => {
    if (!buffer || buffer.updating || source.readyState !== "open") return;
    const old = video.buffered.length ? forgettable(video.currentTime, video.buffered.start(0)) : null;
    try {
      if (old !== null) buffer.remove(0, old);
      else if (queue.length) buffer.appendBuffer(queue.shift());
    } catch (error) {
      fail(error.message);
    }
  };
  const keep = () => {
    const ranges = video.buffered;
    if (!ranges.length) return;
    const last = ranges.length - 1;
    const { seek, rate } = keepUp(video.currentTime, ranges.start(last), ranges.end(last), video.playbackRate, begins && !queue.length);
    begins &&= queue.length > 0;
    if (seek !== null) video.currentTime = seek;
    video.playbackRate = rate;
    if (video.paused) video.play().catch(() => {});
  };
  video.disableRemotePlayback = true;
  video.src = address;
  source.addEventListener("sourceopen", () => {
    URL.revokeObjectURL(address);
    buffer = source.addSourceBuffer(about.mime);
    buffer.addEventListener("updateend", () => { keep(); next(); });
    next();
  }, { once: true });
  return { push: (bytes) => { queue.push(bytes); next(); } };
}

/** Shows the newest picture; what comes while one is being decoded takes the place of the one that waits. */
function pictureFeed(image, shown) {
  let waiting = null, busy = false;
  const next = async () => {
    if (busy || !waiting) return;
    const { bytes, moment } = waiting;
    [waiting, busy] = [null, true];
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    await image.decode().then(() => shown(moment), () => {});
    busy = false;
    next();
  };
  return { push: (bytes, moment) => { waiting = { bytes, moment }; next(); } };
}

/**
 * Watches a camera while its picture is in sight; returns what ends it. `on.about(video or jpeg message or null)`,
 * `on.view(view)`, `on.said(words)`, `on.shown(moment)`: a picture of this moment (monotonic ns) is on the screen now,
 * `on.waits(seconds, said)`: the connection broke, the server having said why or
 * nothing, and is made again then. `webrtc`: whether the person has chosen that.
 */
export function watch(camera, video, image, on, webrtc) {
  let socket = null, timer = 0, wait = 1, ended = false, mono = 0, way = webrtc ? "webrtc" : "", near = false;
  let hangUp = null, stamped = null, black = 0;
  const frames = (now, { mediaTime, rtpTimestamp }) => {
    if (ended) return;
    if (!hangUp) on.shown(momentOf(mono, mediaTime));
    else if (stamped) on.shown(momentOfStamp(stamped, rtpTimestamp));
    video.requestVideoFrameCallback(frames);
  };
  const leave = () => {
    clearTimeout(black);
    hangUp?.();
    hangUp = stamped = null;
  };
  const close = () => {
    clearTimeout(timer);
    leave();
    const old = socket;
    socket = null;
    old?.close();
  };
  const again = (said) => {
    on.waits(wait, said);
    timer = setTimeout(open, wait * 1000);
    wait = Math.min(LONGEST_WAIT_S, wait * 2);
  };
  function open() {
    close();
    const mine = new WebSocket(`/api/live/${encodeURIComponent(camera)}${way && `?as=${way}`}`);
    let feed = null, moment = 0, said = "";
    socket = mine;
    mine.binaryType = "arraybuffer";
    const fail = () => { if (socket === mine) { close(); again(said); } };
    const told = {
      offer({ sdp }) {
        leave();
        hangUp = answerOffer(sdp, video, (words) => { if (socket === mine) mine.send(words); });
      },
      rtp(next) { stamped = next; },
      video(about) {
        if (!about.mime) {
          clearTimeout(black);
          black = setTimeout(() => { if (video.readyState < video.HAVE_CURRENT_DATA) mine.send(""); }, BLACK_MS);
          return on.about(about);
        }
        leave();
        mono = about.start_mono_ns;
        if (!Source?.isTypeSupported(about.mime)) {
          on.said(null, about.mime);
          if (way === "jpeg") return close();
          way = "jpeg";
          return open();
        }
        feed = videoFeed(video, about, fail);
        return on.about(about);
      },
      jpeg(about) { leave(); feed = pictureFeed(image, on.shown); on.about(about); },
      picture(about) { moment = about.captured_mono_ns; },
      view: on.view,
      said: ({ words }) => { said = words; on.said(words); },
    };
    mine.onmessage = ({ data }) => {
      if (socket !== mine) return;
      wait = 1;
      if (typeof data !== "string") return feed?.push(data, moment);
      const about = JSON.parse(data);
      told[about.type]?.(about);
    };
    mine.onclose = fail;
  }
  const sight = () => { if (document.hidden || !near) close(); else if (!socket) open(); };
  const eye = new IntersectionObserver((seen) => { near = seen.at(-1).isIntersecting; sight(); }, { rootMargin: "20%" });
  eye.observe(video.parentElement);
  document.addEventListener("visibilitychange", sight);
  video.onerror = () => { if (socket) { close(); again(); } };
  video.requestVideoFrameCallback?.(frames);
  return () => {
    ended = true;
    document.removeEventListener("visibilitychange", sight);
    eye.disconnect();
    close();
    video.pause();
  };
}
