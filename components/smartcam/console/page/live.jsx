/** Every camera live on one page, or one of them large. */

import { useEffect, useRef, useState } from "preact/hooks";
import { at, get, useEvery, wish } from "./api.js";
import { Overlay } from "./overlay.jsx";
import { watch } from "./player.js";
import { seenAt, withView } from "./step.js";

const AGAIN_MS = 5000;

export const aspectOf = (camera, about) => (about?.width ?? camera.width ?? 16) / (about?.height ?? camera.height ?? 9);

/**
 * The picture of a camera; its children are drawn over it. `about` is what it was told of the picture last by `onAbout`,
 * `onSeen` hears of what was seen in each picture. `frozen` keeps what is shown.
 */
export function Picture({ camera, about, frozen, webrtc, say, onSeen, onAbout, children }) {
  const video = useRef(), image = useRef();
  const [words, setWords] = useState("");
  useEffect(() => {
    setWords(frozen ? "" : say.t("connecting"));
    if (frozen) return undefined;
    let views = [], last = null;
    const shown = (moment) => {
      last = moment;
      setWords("");
      onSeen?.(seenAt(views, moment));
    };
    return watch(camera.id, video.current, image.current, {
      about: (next) => { views = []; onAbout(next); setWords(""); },
      view: (view) => { views = withView(views, view); if (last !== null) shown(last); },
      said: (said, mime) => setWords(said ?? say.t("cannot_play", { mime })),
      waits: (seconds, said) => setWords(`${said ? `${said}. ` : ""}${say.t("again_in", { seconds })}`),
      shown,
    }, webrtc);
  }, [camera.id, webrtc, frozen, say.language]);
  return (
    <div class="picture" style={{ aspectRatio: aspectOf(camera, about) }}>
      <video ref={video} muted autoplay playsinline tabIndex={-1} aria-hidden="true" hidden={about?.type !== "video"} />
      <img ref={image} alt="" hidden={about?.type !== "jpeg"} />
      {children}
      {words && <p class="said" role="status">{words}</p>}
    </div>
  );
}

/** What holds for one camera, null until that is known; and what asks again. It is asked until it is known, and where it is `armed` or no more. */
export function useSettings(id, armed) {
  const [known, setKnown] = useState(null);
  const load = () => get(at("settings", id)).catch(({ message }) => ({ settings: null, words: message }))
    .then((answer) => { setKnown({ ...answer, armed }); return answer; });
  useEvery(AGAIN_MS, load, known?.settings && known.armed === armed ? null : armed);
  return [known, load];
}

/** Arms or disarms one camera or all. */
export function Arming({ camera, armed, until, app }) {
  const { say, say: { t } } = app;
  const flip = () => wish("arming", { camera, armed: !armed, until: null }, app).then(app.refresh);
  const key = camera === "*" ? (armed ? "disarm_all" : "arm_all") : armed ? "disarm_camera" : "arm_camera";
  return (
    <span class="arming">
      {camera !== "*" && <span class={`state ${armed ? "good" : "warn"}`}>{t(armed ? "armed" : "disarmed")}
        {until && ` ${t("until", { time: say.time(until, { dateStyle: "short", timeStyle: "short" }) })}`}</span>}
      <button type="button" class="quiet" onClick={flip} aria-label={t(key, { camera })}>
        {t(camera === "*" ? key : armed ? "disarm" : "arm")}</button>
    </span>
  );
}

function Tile({ camera, alone, over, webrtc, app }) {
  const { say, say: { t } } = app;
  const [known] = useSettings(camera.id, camera.armed);
  const [seen, setSeen] = useState(null), [about, setAbout] = useState(null);
  const text = seen?.objects.map(({ label, score }) => `${say.label(label)} ${score.toFixed(2)}`).join(", ");
  return (
    <article class={alone ? "tile alone" : "tile"} aria-label={camera.id}>
      <Picture {...{ camera, about, webrtc, say }} onSeen={setSeen} onAbout={setAbout}>
        {over && <Overlay camera={camera.id} settings={known?.settings ?? {}} view={seen} aspect={aspectOf(camera, about)} say={say} />}
      </Picture>
      <header>
        <h2><a href={alone ? "#/live" : `#/live/${camera.id}`} aria-label={alone ? t("all_cameras") : t("enlarge", { camera: camera.id })}>{camera.id}</a></h2>
        <span class={`state ${camera.state === "running" ? "good" : "bad"}`}>{t(camera.state)}</span>
        <Arming camera={camera.id} armed={camera.armed} until={known?.armed_until} app={app} />
      </header>
      <p class="seen">{camera.state === "lost" ? camera.reason : text || t("seen_nothing")}</p>
      <p class="note">{t("rate", { rate: Math.round(camera.frames_per_second * 10) / 10 })}
        {about && ` · ${t(about.type === "jpeg" ? "as_jpeg" : about.mime ? "as_video" : "as_webrtc")} ${about.width}×${about.height}`}
        {about?.why && ` · ${about.why}`}</p>
    </article>
  );
}

/** What a person can do as long as there is no camera. */
export const FirstUse = ({ t }) => <div class="card">{["no_cameras", "first_use", "first_then"].map((key) => <p key={key}>{t(key)}</p>)}</div>;

export function Live({ path: [only], cameras, app }) {
  const { t } = app.say;
  const [over, setOver] = useState(true);
  const [webrtc, setWebrtc] = useState(localStorage.getItem("webrtc") === "on");
  const choose = () => { localStorage.setItem("webrtc", webrtc ? "off" : "on"); setWebrtc(!webrtc); };
  const shown = cameras.filter((camera) => !only || camera.id === only);
  return (
    <section>
      <div class="bar">
        <h1>{only ?? t("live")}</h1>
        {only && <a class="button quiet" href="#/live">{t("all_cameras")}</a>}
        <label class="check"><input type="checkbox" checked={over} onChange={() => setOver(!over)} />{t("overlay")}</label>
        {"RTCPeerConnection" in window && <label class="check"><input type="checkbox" checked={webrtc} onChange={choose} />{t("by_webrtc")}</label>}
        {cameras.length > 1 && <Arming camera="*" armed={cameras.every(({ armed }) => armed)} app={app} />}
      </div>
      {!cameras.length && <FirstUse t={t} />}
      <div class={only ? "" : "tiles"}>
        {shown.map((camera) => <Tile key={camera.id} camera={camera} alone={only} {...{ over, webrtc, app }} />)}
      </div>
    </section>
  );
}
