/** What is known, drawn over a picture: zones, lines and areas, boxes with labels and scores, the scene's region. */

import { arrow } from "./geometry.js";

export const GROUPS = ["zones", "lines", "masks", "ignored"];

const NEAR_THE_TOP = 0.06;
const percent = (share) => `${share * 100}%`;

/** A frame around a part of the picture, with words above it or, where there is no room, in it. */
export function Box({ box: [x1, y1, x2, y2], kind, words }) {
  const style = { left: percent(x1), top: percent(y1), width: percent(x2 - x1), height: percent(y2 - y1) };
  const place = { bottom: y1 < NEAR_THE_TOP ? "auto" : "100%" };
  return <div class={`box ${kind}`} style={style}>{words && <span style={place}>{words}</span>}</div>;
}

export function Overlay({ camera, settings, view, aspect, say }) {
  const shapes = GROUPS.flatMap((group) => Object.entries(settings[group] ?? {}).map(([name, points]) => ({ group, name, points })));
  const { scene, objects = [] } = view ?? {};
  return (
    <div class="overlay" role="img" aria-label={camera}>
      <svg viewBox="0 0 1 1" preserveAspectRatio="none">
        {shapes.map(({ group, points }) => group === "lines"
          ? <path class="s-lines" d={`M${points.join("L")}M${arrow(points, aspect).join("L")}`} />
          : <polygon class={`s-${group}`} points={points.join(" ")} />)}
      </svg>
      {shapes.map(({ group, name, points: [[x, y]] }) => (
        <span key={`${group}.${name}`} class={`name s-${group}`} style={{ left: percent(x), top: percent(y) }}>{name}</span>))}
      {scene?.box && <Box box={scene.box} kind="scene"
        words={`${say.t("scene")} ${scene.score.toFixed(2)} / ${scene.threshold.toFixed(2)}`} />}
      {objects.map(({ box, label, score, event, number }) => (
        <Box key={number} box={box} kind={event ? "event" : "object"} words={`${say.label(label)} ${score.toFixed(2)}`} />))}
    </div>
  );
}
