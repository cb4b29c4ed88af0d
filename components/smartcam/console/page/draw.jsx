/** Zones, lines, masks and ignored areas on a camera's picture, and rules: by mouse, touch and keyboard. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { at, post, wish } from "./api.js";
import {
  distance, errorsAt, freeName, keyStep, middle, pointOf, renamedIn, replaced, shifted, tidy, widened, withKey,
} from "./geometry.js";
import { aspectOf, Picture, useSettings } from "./live.jsx";
import { GROUPS, Shapes, spot } from "./overlay.jsx";

const CHECK_MS = 500, NEAR = 0.025;
const fewest = (group) => (group === "lines" ? 2 : 3);

function Board({ camera, draft, chosen, choose, drawing, setDrawing, finish, move, begin, aspect, say: { t } }) {
  const board = useRef(), held = useRef(null);
  const [cross, setCross] = useState([0.5, 0.5]);
  const where = (event) => pointOf(event, board.current.getBoundingClientRect());
  // With the drawing itself, not after it: the next key is already meant for the picture.
  useLayoutEffect(() => { if (drawing) board.current.focus(); }, [drawing?.group]);
  const add = (point) => {
    const { group, points } = drawing;
    if (points.length >= 3 && distance(point, points[0]) < NEAR) return finish(points);
    const next = [...points, tidy(point)];
    if (group === "lines" && next.length === 2) return finish(next);
    return setDrawing({ group, points: next });
  };
  const grab = (event, i) => {
    event.stopPropagation();
    begin();
    held.current = { i, from: where(event) };
    board.current.setPointerCapture(event.pointerId);
  };
  const drag = (event) => {
    if (drawing) setCross(where(event));
    if (drawing || !held.current || !chosen) return;
    const { i, from } = held.current, to = where(event);
    move((points) => (i === null ? shifted(points, to[0] - from[0], to[1] - from[1]) : replaced(points, i, to)));
    if (i === null) held.current.from = to;
  };
  const drop = () => { held.current = null; };
  const key = (event) => {
    if (!drawing) return;
    const step = keyStep(event);
    if (step) setCross(([x, y]) => tidy([x + step[0], y + step[1]]));
    else if (event.key === " ") add(cross);
    else if (event.key === "Enter") finish(drawing.points);
    else if (event.key === "Backspace") setDrawing({ ...drawing, points: drawing.points.slice(0, -1) });
    else if (event.key === "Escape") setDrawing(null);
    else return;
    event.preventDefault();
  };
  const onKey = ({ group, name, points }, i) => (event) => {
    const step = keyStep(event), isCorner = i !== null;
    const change = (next) => { begin(); move(() => next, { group, name }); };
    if (drawing) return;
    if (step) change(isCorner ? replaced(points, i, [points[i][0] + step[0], points[i][1] + step[1]]) : shifted(points, ...step));
    else if (["Delete", "Backspace"].includes(event.key) && isCorner && points.length > fewest(group)) change(points.filter((_, j) => j !== i));
    else if (["+", "Insert"].includes(event.key) && isCorner && group !== "lines") change(widened(points, i));
    else if (["Enter", " "].includes(event.key) && !isCorner) choose({ group, name });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const whole = (shape) => {
    const { group, name } = shape, is = chosen?.group === group && chosen.name === name;
    const take = (event) => { if (!drawing) { choose({ group, name }); grab(event, null); } };
    return { class: `s-${group} ${is ? "chosen" : ""}`, tabindex: 0, role: "button", "aria-label": t("whole", { name }), "aria-pressed": is,
      onKeyDown: onKey(shape, null), onPointerDown: take };
  };
  const shape = !drawing && chosen && draft[chosen.group]?.[chosen.name] && { ...chosen, points: draft[chosen.group][chosen.name] };
  const { name, points = [] } = shape || drawing || {};
  return (
    <div ref={board} class={`board ${drawing ? "drawing" : ""} ${drawing || chosen ? "busy" : ""}`} tabIndex={0} role="group" aria-label={t("canvas", { camera })}
      onPointerMove={drag} onPointerUp={drop} onPointerCancel={drop} onPointerDown={(event) => drawing && add(where(event))} onKeyDown={key}>
      <Shapes settings={draft} aspect={aspect} more={whole} />
      {drawing && <svg viewBox="0 0 1 1" preserveAspectRatio="none"><polyline class={`s-${drawing.group}`} points={[...points, cross].join(" ")} /></svg>}
      {drawing && [...points, cross].map((point, i) => <span key={i} class={i < points.length ? "corner" : "cross"} style={spot(point)} />)}
      {shape && shape.group !== "lines" && points.map((point, i) => (
        <span key={`m${i}`} class="between" style={spot(middle(point, points[(i + 1) % points.length]))}
          onPointerDown={(event) => { move(widened(points, i)); grab(event, i + 1); }} />))}
      {shape && points.map((point, i) => (
        <button type="button" key={i} class="corner" style={spot(point)} onKeyDown={onKey(shape, i)} onPointerDown={(event) => grab(event, i)}
          aria-label={t("corner", { name, number: i + 1, count: points.length, x: Math.round(point[0] * 100), y: Math.round(point[1] * 100) })} />))}
    </div>
  );
}

const Faults = ({ errors }) => errors.map(({ words }) => <p class="bad" role="alert" key={words}>{words}</p>);

/** A rule or a shape. A name that cannot be given (there is another of this name) springs back; what is typed stays until then. */
function Item({ name, rename, remove, errors, t, children }) {
  const change = ({ target }) => { rename(target.value.trim()); target.value = name; };
  return (
    <fieldset class="card"><legend>{name}</legend>
      <label>{t("name")}<input key={name} defaultValue={name} maxLength={64} onChange={change} /></label>
      {children}
      <Faults errors={errors} />
      <button type="button" class="quiet" onClick={remove}>{t("remove")}</button>
    </fieldset>
  );
}

function Rule({ rule, draft, put, say: { t }, ...item }) {
  const set = (key) => ({ target }) => put(withKey(rule, key, target.type === "number" ? target.valueAsNumber || null : target.value));
  const zones = rule.zones ?? [], said = (rule.labels ?? []).join(", "), stays = rule.loiter_s ?? "";
  const toggle = (zone) => put(withKey(rule, "zones", zones.includes(zone) ? zones.filter((each) => each !== zone) : [...zones, zone]));
  const labels = ({ target }) => put(withKey(rule, "labels", target.value.split(/[,，]/).map((word) => word.trim()).filter(Boolean)));
  return (
    <Item {...item} t={t}>
      <label>{t("labels")}<input key={said} defaultValue={said} onChange={labels} /></label>
      {Object.keys(draft.zones ?? {}).map((zone) => (
        <label class="check" key={zone}><input type="checkbox" checked={zones.includes(zone)} onChange={() => toggle(zone)} />{t("zone")} {zone}</label>))}
      <label>{t("line")}<select value={rule.line ?? ""} onChange={set("line")}><option value="">{t("none")}</option>
        {Object.keys(draft.lines ?? {}).map((line) => <option key={line}>{line}</option>)}</select></label>
      {rule.line && <label>{t("direction")}<select value={rule.direction ?? "forward"} onChange={set("direction")}>
        {["forward", "backward", "both"].map((way) => <option key={way} value={way}>{t(way)}</option>)}</select></label>}
      <label>{t("loiter")}<input key={stays} type="number" min="0" max="86400" defaultValue={stays} onChange={set("loiter_s")} /></label>
    </Item>
  );
}

/** What the device says of a draft, soon after the last change; null while it is asked. */
function useCheck(id, draft, said) {
  const [checked, setChecked] = useState(null), last = useRef(Promise.resolve());
  useEffect(() => {
    let stale = false;
    setChecked(null);
    // One at a time: each makes the device read days of its journal.
    const ask = () => stale || post(at("settings", id, "check"), { settings: draft }).then((answer) => stale || setChecked(answer), said);
    const timer = setTimeout(() => { last.current = last.current.then(ask); }, CHECK_MS);
    return () => { stale = true; clearTimeout(timer); };
  }, [id, draft]);
  return checked;
}

function Chosen({ chosen, choose, draft, put, rename, errors, say: { t } }) {
  const { group, name } = chosen, { [name]: points, ...others } = draft[group];
  const unused = group === "lines" && !Object.values(draft.rules ?? {}).some(({ line }) => line === name);
  const cross = () => put("rules", { ...draft.rules, [freeName(name, Object.keys(draft.rules ?? {}))]: { line: name, direction: "forward" } });
  return (
    <Item {...{ name, t }} errors={errorsAt(errors, group, name)} rename={(to) => rename(group, name, to)}
      remove={() => { choose(null); put(group, others); }}>
      <p class="note">{t("move_hint")}</p>
      {group === "lines" && <button type="button" class="quiet" onClick={() => put(group, { ...draft[group], [name]: [...points].reverse() })}>{t("turn")}</button>}
      {unused && <><p class="warn">{t("unused_line")}</p><button type="button" class="quiet" onClick={cross}>{t("crossing_rule")}</button></>}
    </Item>
  );
}

function Editor({ camera, known, reload, app, app: { say, said } }) {
  const { t } = say;
  const [draft, setDraft] = useState(known.settings);
  const [past, setPast] = useState([]), [saved, setSaved] = useState(null);
  const [chosen, choose] = useState(null), [drawing, setDrawing] = useState(null);
  const [frozen, freeze] = useState(false), [about, setAbout] = useState(null);
  const checked = useCheck(camera.id, draft, said);
  const errors = saved?.errors?.length ? saved.errors : checked?.errors ?? [];
  const begin = () => { setSaved(null); setPast((all) => [...all.slice(-50), draft]); };
  const put = (group, table) => { begin(); setDraft((now) => ({ ...now, [group]: table })); };
  const move = (change, { group, name } = chosen) =>
    setDraft((now) => ({ ...now, [group]: { ...now[group], [name]: change(now[group][name]) } }));
  const rename = (group, from, to) => {
    const next = renamedIn(draft, group, from, to);
    if (next === draft) return;
    begin();
    setDraft(next);
    if (group !== "rules") choose({ group, name: to });
  };
  const finish = (points) => {
    const { group } = drawing;
    setDrawing(null);
    if (points.length < fewest(group)) return;
    const name = freeName(t(`new_${group}`), Object.keys(draft[group] ?? {}));
    put(group, { ...draft[group], [name]: points });
    choose({ group, name });
  };
  const setAgain = () => { begin(); choose(null); setDraft({ ...draft, ...known.set_aside }); };
  const undo = () => { choose(null); setDraft(past.at(-1)); setPast(past.slice(0, -1)); };
  const save = () => wish(at("settings", camera.id), { settings: draft, revision: known.revision }, app).then(async (answer) => {
    setSaved(answer);
    if (answer.applied) { setPast([]); setDraft((await reload()).settings ?? draft); }
  });
  const named = (group, name) => errorsAt(errors, group, name).length > 0;
  const placed = [...GROUPS, "rules"].flatMap((group) => Object.keys(draft[group] ?? {}).flatMap((name) => errorsAt(errors, group, name)));
  const rest = errors.filter((error) => !placed.includes(error));
  const rules = Object.entries(draft.rules ?? {});
  return (
    <div class="editor">
      <div class="stage">
        {known.differs && <p class="warn banner">{known.differs} {Object.keys(known.set_aside ?? {}).length > 0 && (
          <button type="button" class="quiet" onClick={setAgain}>{t("set_again")}</button>)}</p>}
        <Picture {...{ camera, about, frozen, say }} onAbout={setAbout}>
          <Board camera={camera.id} aspect={aspectOf(camera, about)}
            {...{ draft, chosen, choose, drawing, setDrawing, finish, move, begin, say }} />
        </Picture>
        <div class="bar">
          <label class="check"><input type="checkbox" checked={frozen} onChange={() => freeze(!frozen)} />{t("freeze")}</label>
          {drawing ? <><p class="note">{t("draw_hint")}</p><button type="button" onClick={() => finish(drawing.points)}>{t("done")}</button>
            <button type="button" class="quiet" onClick={() => setDrawing(null)}>{t("cancel")}</button></> : <span class="tools">
            <button type="button" class="quiet" disabled={!past.length} onClick={undo}>{t("undo")}</button>
            <button type="button" disabled={draft === known.settings || errors.length > 0 || !checked} onClick={save}>{t("save")}</button></span>}
        </div>
        <p role="status" class={errors.length ? "bad" : "verdict"}>{!checked ? t("checking") : errors.length === 0 && `${t("valid")} ${t("would_be",
          { then: checked.events_then, now: checked.events_now, days: Number(checked.days.toFixed(checked.days < 1 ? 2 : 1)) })}`}</p>
        <Faults errors={rest} />
        {saved?.applied && <><h3>{t("diff")}</h3><pre tabIndex={0}>{saved.diff}</pre><h3>{t("yaml")}</h3><pre tabIndex={0}>{saved.yaml}</pre></>}
      </div>
      <div class="side">
        {GROUPS.map((group) => (
          <div key={group} class={`group s-${group}`}>
            <h2>{t(group)}</h2>
            {Object.keys(draft[group] ?? {}).map((name) => (
              <button type="button" key={name} class={`quiet ${named(group, name) ? "bad" : ""}`}
                aria-pressed={chosen?.group === group && chosen.name === name} onClick={() => choose({ group, name })}>{name}</button>))}
            <button type="button" class="quiet" aria-label={t("add", { what: t(`new_${group}`) })}
              onClick={() => { choose(null); setDrawing({ group, points: [] }); }}>+</button>
          </div>))}
        {chosen && draft[chosen.group]?.[chosen.name] && <Chosen {...{ chosen, choose, draft, put, rename, errors, say }} />}
        <div class="group"><h2>{t("rules")}</h2>
          <button type="button" class="quiet" aria-label={t("add", { what: t("new_rules") })}
            onClick={() => put("rules", { ...draft.rules, [freeName(t("new_rules"), rules.map(([name]) => name))]: {} })}>+</button></div>
        {!rules.length && <p class="note">{t("no_rules")}</p>}
        {rules.map(([name, rule]) => <Rule key={name} {...{ name, rule, draft, say }} errors={errorsAt(errors, "rules", name)}
          put={(next) => put("rules", { ...draft.rules, [name]: next })} rename={(to) => rename("rules", name, to)}
          remove={() => put("rules", Object.fromEntries(rules.filter(([other]) => other !== name)))} />)}
      </div>
    </div>
  );
}

function Drawing({ camera, app }) {
  const [known, reload] = useSettings(camera.id);
  if (!known?.settings) return <p class="note">{app.say.t(known ? "no_settings" : "loading", known)}</p>;
  return <Editor {...{ camera, known, reload, app }} />;
}

export function Draw({ path: [wanted], cameras, app }) {
  const { t } = app.say;
  const camera = cameras.find(({ id }) => id === wanted) ?? cameras[0];
  if (!camera) return <p class="note">{t("no_cameras")}</p>;
  return (
    <section>
      <div class="bar"><h1>{t("draw")}</h1><label>{t("camera")}
        <select value={camera.id} onChange={({ target }) => { location.hash = `#/draw/${target.value}`; }}>
          {cameras.map(({ id }) => <option key={id}>{id}</option>)}</select></label></div>
      <Drawing key={camera.id} camera={camera} app={app} />
    </section>
  );
}
