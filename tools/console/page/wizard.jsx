/** The wizard of the first use: find cameras, look through them, say who is told, see what would be done, and do it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { post, useEvery } from "../../../components/smartcam/console/page/api.js";
import { FirstUse } from "../../../components/smartcam/console/page/live.jsx";

const LOOK_MS = 700;
const FIELDS = { email: "email", phone: "tel", time_zone: "text" };
const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What each camera of the configuration shows, one after the other; `refused` hears what is wrong with it. */
function Pictures({ text, ask, t, refused }) {
  const [shown, setShown] = useState([]), [busy, setBusy] = useState(false);
  const show = async () => {
    setBusy(true);
    setShown([]);
    const { cameras } = await ask("cameras", { cameras: text }).catch((error) => refused(error) ?? { cameras: [] });
    for (const camera of cameras) {
      const got = await ask("picture", { cameras: text, camera }).then((blob) => ({ src: URL.createObjectURL(blob) }), ({ message }) => ({ message }));
      setShown((before) => [...before, { camera, ...got }]);
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" class="quiet" disabled={busy || !text.trim()} onClick={show}>{t(busy ? "first_opening" : "first_pictures")}</button>
      <div class="cards">{shown.map(({ camera, src, message }) => (
        <figure key={camera}><figcaption>{camera}</figcaption>
          {src ? <img class="player" src={src} alt={t("first_shows", { camera })} /> : <p class="bad" role="alert">{message}</p>}</figure>))}</div>
    </>
  );
}

/** What would be done or is done, and what a person may do about it. */
function Job({ job, agree, stop, t }) {
  const lines = useRef();
  useEffect(() => { if (lines.current) lines.current.scrollTop = lines.current.scrollHeight; }, [job.lines.length]);
  if (job.state === "idle") return null;
  const bad = job.state === "failed", works = job.state.endsWith("ing");
  return (
    <>
      <pre ref={lines} tabIndex={0}>{job.lines.join("\n")}</pre>
      <p role="status" class={bad ? "bad" : ""}>{t(`first_${job.state}`)}</p>
      <p class="judge">
        {job.state === "planned" && <button type="button" onClick={agree}>{t("first_yes")}</button>}
        {works && <button type="button" class="quiet" onClick={stop}>{t("first_stop")}</button>}</p>
    </>
  );
}

function Wizard({ word, say: { t, language } }) {
  const [form, setForm] = useState({ cameras: "", tells: true, email: "", phone: "", time_zone: zone(), group: "Smartcam" });
  const [job, setJob] = useState({ state: "idle", lines: [] }), [remarks, setRemarks] = useState([]), [busy, setBusy] = useState(false), [words, setWords] = useState("");
  const [checked, setChecked] = useState("");
  const works = job.state.endsWith("ing"), filled = JSON.stringify({ ...form, language });
  const ask = (name, body) => post(`setup/${name}`, { ...body, word });
  const refused = (error) => { setWords(error.message); };
  const act = (name, body, then) => {
    setBusy(true);
    setWords("");
    ask(name, body).then(then, refused).then(() => setBusy(false));
  };
  const fill = (change) => setForm((before) => ({ ...before, ...change }));
  const field = (key, type) => (
    <label key={key}>{t(`first_${key}`)}<input type={type} value={form[key]} onInput={({ target }) => fill({ [key]: target.value })} /></label>);
  useEffect(() => { act("state", {}, setJob); }, []);
  // A plan of something else: of the form as it was before, or before the page was loaded again.
  useEffect(() => { if (job.state === "planned" && filled !== checked) act("stop", {}, setJob); }, [job.state, filled]);
  useEvery(LOOK_MS, () => ask("state").then(setJob, refused), works ? "" : null);
  return (
    <section class="stage">
      <h1>{t("setup")}</h1>
      <div class="card"><h2>1. {t("first_cameras")}</h2><p class="note">{t("first_find")}</p>
        <button type="button" disabled={busy} onClick={() => act("find", {}, ({ yaml, remarks: more }) => {
          setRemarks(yaml ? more : [...more, t("first_none")]);
          if (yaml) fill({ cameras: yaml });
        })}>{t("first_look")}</button>
        {remarks.map((each) => <p class="note" key={each}>{each}</p>)}
        <label>cameras.yaml<textarea rows={10} spellcheck={false} value={form.cameras} onInput={({ target }) => fill({ cameras: target.value })} /></label>
        <Pictures text={form.cameras} ask={ask} t={t} refused={refused} /></div>
      <div class="card"><h2>2. {t("first_people")}</h2>
        <label class="check"><input type="checkbox" checked={form.tells} onChange={() => fill({ tells: !form.tells })} />{t("first_tells")}</label>
        {form.tells ? Object.entries(FIELDS).map(([key, type]) => field(key, type)) : <p class="note">{t("first_as_it_is")}</p>}</div>
      <div class="card"><h2>3. {t("first_deploy")}</h2>{field("group", "text")}
        <button type="button" disabled={busy || works} onClick={() => { setChecked(filled); act("plan", { ...form, language }, setJob); }}>{t("first_check")}</button>
        {words && <p class="bad" role="alert">{words}</p>}
        <Job job={job} t={t} agree={() => act("deploy", { plan: job.plan }, setJob)} stop={() => act("stop", {}, setJob)} /></div>
      <p class="note">{t("first_then")}</p>
    </section>
  );
}

/** The wizard, for who knows the word that the terminal has said. */
export const Setup = ({ path: [word], app: { say } }) => (word ? <Wizard word={word} say={say} /> : <FirstUse t={say.t} />);
