/** The events of all cameras by day: a list of which only what is in sight is made, a day's axis, clips, verdicts. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { at, get, useEvery, wish } from "./api.js";
import { LOSSES, ROW, dayOf, idAfter, inSight, marksOf, merged, query, rowsOf, scrolledTo, withAnswer } from "./days.js";
import { Box } from "./overlay.jsx";
import { KINDS } from "./words.js";

const PAGE = 50, NEWS_MS = 5000;
const px = (number) => `${number}px`;
const JUDGED = { t: true, f: false, u: null };

/** The events that fit a filter, more of them on demand; new ones come by themselves. */
function useEvents(filter, app) {
  const [known, setKnown] = useState({ events: [], more: true });
  const wanted = query(filter), current = useRef(wanted), busy = useRef(null);
  const load = useCallback((before) => {
    if (busy.current === wanted) return Promise.resolve();
    busy.current = wanted;
    const { day, ...fields } = Object.fromEntries(new URLSearchParams(wanted));
    return get(`events?${query({ ...fields, before: before ?? (day && idAfter(day)), limit: PAGE })}`).then((answer) => {
      if (current.current === wanted) setKnown((last) => withAnswer(last, answer, before));
    }, app.said).then(() => { busy.current = false; });
  }, [wanted]);
  useEffect(() => {
    current.current = wanted;
    setKnown({ events: [], more: true });
  }, [wanted]);
  useEvery(NEWS_MS, load, wanted);
  const judge = (event, verdict) => wish(at("events", event.event_id, "verdict"), { verdict }, app).then(({ applied }) => {
    if (applied) setKnown((last) => ({ ...last, events: merged(last.events, [{ ...event, verdict }]) }));
  });
  return { ...known, load, judge };
}

const wordsOf = ({ label, kind, score }, say) => [say.label(label || kind), score?.toFixed(2)].filter(Boolean).join(" ");
export const pictureOf = (event) => `/api/${at("events", event.event_id, "picture")}`;
const clock = (time, say) => say.time(time, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const lasting = (event, { t }) =>
  event.ended_at ? t("lasted", { seconds: Math.round((new Date(event.ended_at) - new Date(event.started_at)) / 1000) }) : t("still_on");

/** A day from midnight to midnight: losses and tampering as bars, everything else as strokes; a click chooses. */
function Axis({ day, events, chosen, choose, say }) {
  const marks = marksOf(events, day, Date.now());
  const hours = Array.from({ length: 9 }, (_, i) => i * 3);
  return (
    <svg class="axis" role="img" viewBox="0 0 1000 46" preserveAspectRatio="none"
      aria-label={say.t("day_axis", { day: say.time(`${day}T12:00`, { dateStyle: "full" }), count: marks.length })}>
      {hours.map((hour) => <line key={hour} x1={(hour / 24) * 1000} x2={(hour / 24) * 1000} y1="0" y2="46" class="tick" />)}
      {marks.map(({ event, from, to }) => (
        <rect key={event.event_id} x={from * 1000} width={Math.max(3, (to - from) * 1000)} y={LOSSES.has(event.kind) ? 30 : 4}
          height={LOSSES.has(event.kind) ? 12 : 24} onClick={() => choose(event.event_id)}
          class={`k-${event.kind} ${event.event_id === chosen ? "chosen" : ""}`}>
          <title>{`${clock(event.started_at, say)} ${event.camera_id} ${wordsOf(event, say)}`}</title></rect>
      ))}
    </svg>
  );
}

function Verdict({ event, say: { t } }) {
  if (event.verdict == null) return event.held_back ? <span class="soft">{t("held_back")}</span> : null;
  return <span class={event.verdict ? "good" : "warn"}>{t(event.verdict ? "judged_true" : "judged_false")}</span>;
}

function Row({ event, top, chosen, choose, open, say }) {
  const place = [event.camera_id, event.zone, event.rule].filter(Boolean).join(" · ");
  return (
    <div class={`row k-${event.kind}`} role="option" id={`e-${event.event_id}`} aria-selected={chosen} style={{ top: px(top), height: px(ROW) }}
      onClick={() => choose(event.event_id)} onDblClick={() => open(event.event_id)}>
      <time dateTime={event.started_at}>{clock(event.started_at, say)}<small>{lasting(event, say)}</small></time>
      {event.picture ? <img src={pictureOf(event)} alt="" loading="lazy" decoding="async" /> : <span class="no-picture" aria-hidden="true" />}
      <span class="what"><b>{wordsOf(event, say)}</b>{event.clips.length > 0 && <span class="clip" aria-hidden="true">▶</span>}<small>{place}</small></span>
      <Verdict event={event} say={say} />
    </div>
  );
}

/** One event: its clip in parts with captions, or its picture with the box; and what a person says of it. */
function Opened({ event, close, judge, step, say }) {
  const { t } = say, dialog = useRef();
  const [part, setPart] = useState(0), clip = event.clips[part];
  useEffect(() => { dialog.current.showModal(); }, []);
  useEffect(() => setPart(0), [event.event_id]);
  const address = clip && `/api/${at("clips", event.camera_id, clip.name)}`;
  return (
    <dialog ref={dialog} class="opened" aria-labelledby="opened" onClose={close}>
      <header class="bar">
        <h2 id="opened">{event.camera_id}: {wordsOf(event, say)}</h2>
        <button type="button" class="quiet" onClick={() => step(1)} aria-label={t("earlier")}>↓</button>
        <button type="button" class="quiet" onClick={() => step(-1)} aria-label={t("later")}>↑</button>
        <button type="button" class="quiet" onClick={() => dialog.current.close()}>{t("close")}</button>
      </header>
      {clip ? (
        <video key={address} class="player" src={address} poster={event.picture ? pictureOf(event) : undefined} controls autoplay muted playsinline
          onEnded={() => part + 1 < event.clips.length && setPart(part + 1)}>
          <track kind="captions" label={t("captions")} src={address.replace(/mp4$/, "vtt")} default />
        </video>
      ) : event.picture && (
        <div class="still"><img src={pictureOf(event)} alt={t("event_picture")} />
          {event.box && <Box box={event.box} kind="event" />}</div>
      )}
      {event.clips.length > 1 && <p>{event.clips.map((each, i) => (
        <button type="button" class="quiet" key={each.name} aria-pressed={i === part} onClick={() => setPart(i)}>{t("part", { number: i + 1 })}</button>))}</p>}
      <p>{event.reason_words?.[say.language]}</p>
      <p class="note">{say.time(event.started_at, { dateStyle: "full", timeStyle: "medium" })} · {lasting(event, say)}
        {event.zone && ` · ${t("zone")} ${event.zone}`}{event.rule && ` · ${t("rule")} ${event.rule}`}</p>
      <p class="judge" role="group" aria-label={t("verdict")}>{t("verdict")}
        {[["t", "true"], ["f", "false"]].map(([key, word]) => (
          <button type="button" key={key} class="quiet" aria-pressed={event.verdict === JUDGED[key]} aria-keyshortcuts={key}
            onClick={() => judge(event, JUDGED[key])}>{t(word)} <kbd>{key}</kbd></button>))}
        {event.verdict != null && <button type="button" class="quiet" aria-keyshortcuts="u" onClick={() => judge(event, null)}>
          {t("undo")} <kbd>u</kbd></button>}</p>
    </dialog>
  );
}

function Filters({ filter, setFilter, cameras, zones, say: { t } }) {
  const set = (key) => ({ target }) => setFilter({ ...filter, [key]: target.value });
  const choice = (key, values, word) => (
    <label>{t(key)}<select value={filter[key]} onChange={set(key)}>
      <option value="">{t("all")}</option>{values.map((value) => <option key={value} value={value}>{word(value)}</option>)}
    </select></label>
  );
  return (
    <>
      {choice("kind", KINDS, t)}
      {choice("camera", cameras.map(({ id }) => id), String)}
      {choice("zone", zones, String)}
      <label>{t("until_day")}<input type="date" value={filter.day} onInput={set("day")} /></label>
      <label>{t("least_score")}<input type="number" min="0" max="1" step="0.05" value={filter.min_score} onInput={set("min_score")} /></label>
    </>
  );
}

/** What the event filter makes of the events that have been; asked anew where `verdicts` changes. */
function FilterNote({ verdicts, say: { t } }) {
  const [filter, setFilter] = useState(null);
  useEffect(() => {
    const timer = setTimeout(() => get("filter").then((answer) => setFilter(answer.filter), () => setFilter(null)), 500);
    return () => clearTimeout(timer);
  }, [verdicts]);
  if (!filter) return null;
  const kept = filter.held_true === 0 ? t("filter_no_true") : t("filter_true", filter);
  return (
    <p class={`filter ${filter.held_true ? "warn" : "note"}`}>
      {t(filter.on_trial ? "filter_would" : "filter_does", filter)} {t("filter_false", filter)} {kept}</p>
  );
}

export function Events({ path: [kind, camera, until, id], cameras, app, app: { say } }) {
  const { t } = say;
  const [filter, setFilter] = useState({ kind: kind ?? "", camera: camera ?? "", zone: "", min_score: "", day: until ?? "" });
  const { events, more, load, judge } = useEvents(filter, app);
  const [chosen, choose] = useState(id), [opened, open] = useState(id);
  const [sight, setSight] = useState({ top: 0, height: 600 }), list = useRef();
  const rows = useMemo(() => rowsOf(events), [events]);
  const zones = useMemo(() => [...new Set([...events.map(({ zone }) => zone), filter.zone])].filter(Boolean).sort(), [events]);
  const { first, last } = inSight(rows.length, sight.top, sight.height);
  const place = events.findIndex((event) => event.event_id === chosen);
  const top = rows[Math.min(rows.length - 1, Math.floor(sight.top / ROW) + 1)];
  const day = dayOf((events[place] ?? top?.event ?? { started_at: Date.now() }).started_at);
  const look = () => setSight({ top: list.current.scrollTop, height: list.current.clientHeight });
  useLayoutEffect(() => {
    list.current.focus({ preventScroll: true });
    const size = new ResizeObserver(look);
    size.observe(list.current);
    return () => size.disconnect();
  }, []);
  useEffect(() => {
    // The day on the axis is shown whole.
    const wanted = last > rows.length - 10 || (events.length && dayOf(events.at(-1).started_at) >= day);
    if (more && events.length && wanted) load(events.at(-1).event_id);
  }, [last, rows.length, more, day]);
  const show = (id) => {
    choose(id);
    const row = rows.findIndex(({ event }) => event?.event_id === id);
    list.current.scrollTop = scrolledTo(row, list.current.scrollTop, list.current.clientHeight);
  };
  const go = (number) => {
    const next = events[Math.max(0, Math.min(events.length - 1, number))];
    if (!next) return;
    show(next.event_id);
    if (opened) open(next.event_id);
  };
  const key = (event) => {
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + 8, PageUp: place - 8, Home: 0, End: events.length - 1 };
    const typing = event.ctrlKey || event.metaKey || event.altKey || event.target.matches("video, input, select");
    if (typing) return;
    if (event.key in moves) go(moves[event.key]);
    else if (event.key === "Enter" && !opened && chosen) open(chosen);
    else if (event.key in JUDGED && events[place]) judge(events[place], JUDGED[event.key]);
    else return;
    event.preventDefault();
  };
  const shown = opened && events.find((event) => event.event_id === opened);
  return (
    <section onKeyDown={key}>
      <div class="bar"><h1>{t("events")}</h1><Filters {...{ filter, setFilter, cameras, zones, say }} /></div>
      <FilterNote verdicts={events.map(({ verdict }) => verdict ?? "").join()} say={say} />
      <Axis day={day} events={events} chosen={chosen} choose={show} say={say} />
      <p class="hours note" aria-hidden="true"><span>0</span><span>6</span><span>12</span><span>18</span><span>24</span></p>
      <div ref={list} class="list" role="listbox" tabIndex={0} aria-label={t("events")} aria-describedby="keys" onScroll={look}
        aria-activedescendant={place >= 0 ? `e-${chosen}` : undefined}>
        <div role="presentation" style={{ height: px(rows.length * ROW) }}>
          {rows.slice(first, last).map((row, i) => row.day
            ? <div class="row day" role="presentation" key={row.day} style={{ top: px((first + i) * ROW), height: px(ROW) }}>
              {say.time(`${row.day}T12:00`, { dateStyle: "full" })}</div>
            : <Row key={row.event.event_id} {...row} top={(first + i) * ROW} chosen={row.event.event_id === chosen} {...{ choose, open, say }} />)}
        </div>
        {!events.length && !more && <p class="note">{t("no_events")}</p>}
      </div>
      <p id="keys" class="note">{t("keys")}</p>
      {shown && <Opened event={shown} close={() => { open(null); show(chosen); list.current.focus(); }} judge={judge} step={(way) => go(place + way)} say={say} />}
    </section>
  );
}
