/** The console's page: sign-in, the way between its parts, languages, and what is said in passing. */

import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, get, post, setSession, useEvery } from "./api.js";
import { Draw } from "./draw.jsx";
import { Events } from "./events.jsx";
import { Health } from "./health.jsx";
import { Live } from "./live.jsx";
import { chosen, spoken } from "./words.js";
import "uplot/dist/uPlot.min.css";
import "./style.css";

const PARTS = { live: Live, events: Events, draw: Draw, health: Health };
const REFRESH_MS = 5000;
const wherever = () => location.hash.slice(2).split("/").filter(Boolean);
const remembered = () => localStorage.getItem("language") ?? chosen(navigator.languages);

function SignIn({ say: { t }, onSession }) {
  const [words, setWords] = useState(""), [busy, setBusy] = useState(false);
  const send = (event) => {
    event.preventDefault();
    setBusy(true);
    post("session", Object.fromEntries(new FormData(event.target)))
      .then(onSession, (error) => setWords(error.message)).then(() => setBusy(false));
  };
  return (
    <form class="sign-in" onSubmit={send}>
      <h1>Smartcam</h1>
      <label>{t("password")}<input name="password" type="password" autocomplete="current-password" required autofocus
        aria-describedby="refusal" /></label>
      <p id="refusal" class="bad" role="alert">{words}</p>
      <button disabled={busy}>{t("sign_in")}</button>
    </form>
  );
}

function App({ more }) {
  const [session, setKnown] = useState(null);
  const [language, setLanguage] = useState(remembered());
  const [path, setPath] = useState(wherever());
  const [words, setWords] = useState(""), [fault, setFault] = useState(null), [cameras, setCameras] = useState(null);
  const timer = useRef(0), say = spoken(language), { t } = say;
  const said = (what) => {
    setWords(what?.message ?? what ?? "");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setWords(""), 8000);
  };
  const onSession = (next) => { setSession(next, begin); setFault(null); setKnown(next); };
  const begin = () => get("session").then(onSession, (error) => {
    setFault(error);
    setTimeout(begin, REFRESH_MS);
  });
  const refresh = () => get("cameras").then((answer) => { setCameras(answer.cameras); setFault(null); }, setFault);
  useEvery(REFRESH_MS, refresh, session?.signed_in ? "" : null);
  useEffect(() => {
    begin();
    addEventListener("hashchange", () => setPath(wherever()));
  }, []);
  useEffect(() => { document.documentElement.lang = language; }, [language]);
  const next = language === "en" ? "zh" : "en";
  const other = <button type="button" class="quiet" lang={next} aria-label={`${t("language")}: ${t("other_language")}`}
    onClick={() => { localStorage.setItem("language", next); setLanguage(next); }}>{t("other_language")}</button>;
  const trouble = fault && <p class="bad banner" role="alert">{t("offline", { words: fault.message })}</p>;
  const brand = <b class="brand">Smartcam</b>;
  // As in index.html, which is painted before this runs.
  if (!session) return <><header class="top">{brand}</header><main>{trouble ?? <p class="note">{t("loading")}</p>}</main></>;
  if (!session.signed_in && session.password_needed)
    return <main class="door">{other}<SignIn say={say} onSession={onSession} /></main>;
  const pages = { ...PARTS, ...more }, page = Object.hasOwn(pages, path[0] ?? "") ? path[0] : "live";
  const Page = pages[page];
  const leave = () => ask("DELETE", "session").catch(said).then(() => location.reload());
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById("content").focus(); }}>{t("skip")}</a>
      <header class="top">
        {brand}
        <nav aria-label={t("main")}>
          {Object.keys(PARTS).map((name) => <a key={name} href={`#/${name}`} aria-current={name === page ? "page" : undefined}>{t(name)}</a>)}
        </nav>
        <span class="tools">{other}{session.password_needed && <button type="button" class="quiet" onClick={leave}>{t("sign_out")}</button>}</span>
      </header>
      <main id="content" tabIndex={-1}>
        {trouble}
        {cameras ? <Page path={path.slice(1)} cameras={cameras} app={{ say, said, refresh }} /> : <p class="note">{t("loading")}</p>}
      </main>
      <p class="toast" role="status" aria-live="polite">{words}</p>
    </>
  );
}

/** Shows the page; `more` are parts that it has besides, by their names. */
export const start = (more) => render(<App more={more} />, document.body);
