/** How far scenes have been learned, what is wrong, and how the last day went. */

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { at, get, useEvery, wish } from "./api.js";
import { dayOf, mostUnusual, query, unusualness } from "./days.js";
import { pictureOf } from "./events.jsx";
import { budgetAt, cutAt, findings, lengthOf } from "./findings.js";
import { Arming, useSettings } from "./live.jsx";

const REFRESH_MS = 60_000, LOOKED_THROUGH = 500;
const A_DAY = [0.05, 200];
const STROKES = ["#2a9aa5", "#d08700", "#b05bd0", "#4c9a4c", "#d05b5b", "#6a84d8"];

/** Names and their numbers over the day or, with a `cut`, alerts over thresholds: what is likely is between the second and the third. */
function Plot({ title, x, series, said, cut, since, say }) {
  const place = useRef();
  useEffect(() => {
    const ink = getComputedStyle(place.current).color;
    const axis = { stroke: ink, grid: { stroke: "#88888833" }, ticks: { stroke: "#88888833" } };
    const names = Object.keys(series), isCurve = cut != null;
    const plot = new uPlot({
      ...(isCurve && { scales: { x: { time: false }, y: { distr: 3, range: A_DAY } }, bands: [{ series: [2, 3], fill: `${STROKES[0]}33` }],
        hooks: { draw: [({ ctx, bbox, valToPos }) => { ctx.fillStyle = ink; ctx.fillRect(valToPos(cut, "x", true), bbox.top, 2, bbox.height); }] } }),
      width: place.current.clientWidth, height: 150, legend: { live: false, show: names.length > 1 }, cursor: { y: false },
      axes: [{ ...axis, values: isCurve ? undefined : (_, seconds) => seconds.map((each) => say.time(each * 1000, { hour: "2-digit", minute: "2-digit" })) }, { ...axis, size: 44, ...(isCurve && { grid: { show: false } }) }],
      series: [{}, ...names.map((label, i) => ({ label, stroke: STROKES[i % STROKES.length], width: 1, points: { show: false } }))],
    }, [x, ...Object.values(series)], place.current);
    const fit = new ResizeObserver(([{ contentRect }]) => plot.setSize({ width: contentRect.width, height: 150 }));
    fit.observe(place.current);
    return () => { fit.disconnect(); plot.destroy(); };
  }, [since, say.language]);
  const last = said ?? Object.entries(series).map(([name, values]) => `${name} ${values.findLast((each) => each != null) ?? "–"}`).join(", ");
  return <figure class="card"><figcaption>{title} <span class="soft">{last}</span></figcaption><div ref={place} aria-hidden="true" /></figure>;
}

/** What each threshold is worth, and where the budget cuts that; or that so little has been watched that nothing can be promised. */
function Curve({ curve, budget, stage, say, say: { t } }) {
  const chosen = curve[cutAt(curve, budget)];
  if (!chosen || stage !== "watching") return (curve.length > 0 || stage !== "watching") && <p class="note">{t("no_promise")}</p>;
  const of = (key) => curve.map((each) => Math.max(each[key], A_DAY[0]));
  return <Plot title={t("curve")} x={curve.map(({ threshold }) => threshold)} cut={chosen.threshold} since={budget} say={say}
    said={t("cut", Object.fromEntries(Object.entries(chosen).map(([key, value]) => [key, Number(value.toPrecision(2))])))}
    series={{ [t("seen")]: of("a_day"), [t("at_most")]: of("most"), [t("at_least")]: of("least"), [t("budget")]: curve.map(() => budget) }} />;
}

/** What a scene found most unusual of late; each leads to its event. */
function Unusual({ camera, app: { said, say, say: { t } } }) {
  const [events, setEvents] = useState([]);
  useEffect(() => {
    get(`events?${query({ camera, limit: LOOKED_THROUGH })}`).then((answer) => setEvents(mostUnusual(answer.events, Date.now())), said);
  }, []);
  return events.length > 0 && (
    <>
      <p id={`u-${camera}`} class="note">{t("unusual")}</p>
      <ol class="unusual" aria-labelledby={`u-${camera}`}>{events.map((event) => (
        <li key={event.event_id}><a href={`#/events/${event.kind}/${camera}/${dayOf(event.started_at)}/${event.event_id}`}>
          {event.picture ? <img src={pictureOf(event)} alt="" loading="lazy" /> : <span class="no-picture" />}
          <span><b>{unusualness(event).toFixed(2)}</b> {say.time(event.started_at, { dateStyle: "medium", timeStyle: "short" })}
            <br /><span class="soft">{event.reason_words?.[say.language] ?? say.label(event.label || event.kind)}</span></span></a></li>))}</ol>
    </>
  );
}

function Scene({ camera: { id, scene }, app, app: { say, say: { t } } }) {
  const [budget, setBudget] = useState(scene.budget), [known] = useSettings(id);
  useEffect(() => setBudget(scene.budget), [scene.budget]);
  const save = () => wish(at("settings", id), { settings: { alerts_a_day: budget } }, app).then(app.refresh);
  return (
    <div class="card">
      <h3>{id} <span class={`state ${scene.drift ? "warn" : "good"}`}>{t(scene.stage)}</span></h3>
      <meter aria-label={id} max={scene.of_hours} value={scene.hours} aria-valuetext={t("hours", { hours: scene.hours, of: scene.of_hours })} />
      <p class="note">{t("hours", { hours: scene.hours, of: scene.of_hours })} · <a href={`#/events/anomaly/${id}`}>{t("raised_today", { count: scene.raised })}</a></p>
      <label>{t("budget")}: {budget}<input type="range" min="0" max="30" step="1" value={budgetAt.place(budget)} aria-valuetext={String(budget)}
        onInput={({ target }) => setBudget(budgetAt.number(target.value))} onChange={save} /></label>
      {known?.curve && <Curve key={id} curve={known.curve} {...{ budget, say }} stage={scene.stage} />}
      <Unusual camera={id} app={app} />
    </div>
  );
}

export function Health({ cameras, app }) {
  const { t } = app.say;
  const [{ health, heard_at: heardAt, replaced }, setHealth] = useState({ health: null });
  const [minutes, setMinutes] = useState([]);
  useEvery(REFRESH_MS, () => { get("health").then(setHealth, app.said); get("health/day").then((day) => setMinutes(day.minutes), app.said); });
  const wrong = findings(health, heardAt, cameras, Date.now(), replaced);
  const learning = cameras.filter(({ scene }) => scene);
  const facts = health && { device: health.thing, version: health.version, uptime: lengthOf(health.uptime_s, t),
    model: [health.model_name, health.model_version].filter(Boolean).join(" ") || t("none"), outbox: health.outbox.waiting ?? t("unknown") };
  const ids = [...new Set(minutes.flatMap((minute) => Object.keys(minute.cameras)))].sort();
  const plots = [...["frames_per_second", "latency_ms"].map((key, i) => [key,
    Object.fromEntries(ids.map((id) => [id, minutes.map((minute) => minute.cameras[id]?.[i])]))]),
  ...["dropped", "outbox"].map((key) => [key, { [t(key)]: minutes.map((minute) => minute[key]) }])];
  return (
    <section class="stage">
      <div class="bar"><h1>{t("health")}</h1>{cameras.length > 0 && <Arming camera="*" armed={cameras.every(({ armed }) => armed)} app={app} />}</div>
      <div class="cards">
        <div class="card"><h2>{t("findings")}</h2>
          {wrong.map(({ key, fields, level }, i) => <p key={i} class={`state ${level}`}>{t(key, { ...fields, state: fields.state && t(fields.state) })}</p>)}
          {!wrong.length && <p class="state good">{t("all_well")}</p>}</div>
        {facts && <div class="card"><h2>{t("device")}</h2>
          <dl>{Object.entries(facts).map(([key, value]) => <div key={key}><dt>{t(key)}</dt><dd>{value}</dd></div>)}</dl></div>}
      </div>
      <h2>{t("learned")}</h2>
      {learning.length ? <div class="cards">{learning.map((camera) => <Scene key={camera.id} camera={camera} app={app} />)}</div> : <p class="note">{t("no_scene")}</p>}
      <h2>{t("last_day")}</h2>
      {minutes.length < 2 ? <p class="note">{t("no_day")}</p> : <div class="cards">
        {plots.map(([key, series]) =>
          <Plot key={key} title={t(key)} x={minutes.map(({ time }) => new Date(time).getTime() / 1000)} since={minutes} series={series} say={app.say} />)}</div>}
    </section>
  );
}
