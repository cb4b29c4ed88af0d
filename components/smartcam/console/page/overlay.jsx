/** What is known, drawn over a picture: zones, lines and areas, boxes with labels and scores, the scene's region. */

import { arrow } from "./geometry.js";

export const GROUPS = ["zones", "lines", "masks", "ignored"];

const NEAR_THE_TOP = 0.06;
const percent = (share) => `${share * 100}%`;

/** Where something stands that is drawn by its middle or its upper left corner. */
export const spot = ([x, y]) => ({ left: percent(x), top: percent(y) });

/** A frame around a part of the picture, with words above it or, where there is no room, in it. */
export function Box({ box: [x1, y1, x2, y2], kind, words }) {
  const place = { bottom: y1 < NEAR_THE_TOP ? "auto" : "100%" };
  return <div class={`box ${kind}`} style={{ ...spot([x1, y1]), width: percent(x2 - x1), height: percent(y2 - y1) }}>
    {words && <span style={place}>{words}</span>}</div>;
}

/** All that is drawn on a camera, with its names; `more` gives the properties that a shape has besides. */
export function Shapes({ settings, aspect, more = () => ({}) }) {
  const shapes = GROUPS.flatMap((group) => Object.entries(settings[group] ?? {}).map(([name, points]) => ({ group, name, points })));
  return (
    <>
      <svg viewBox="0 0 1 1" preserveAspectRatio="none">
        {shapes.map((shape) => shape.group === "lines"
          ? <path key={shape.name} class="s-lines" d={`M${shape.points.join("L")}M${arrow(shape.points, aspect).join("L")}`} {...more(shape)} />
          : <polygon key={`${shape.group}.${shape.name}`} class={`s-${shape.group}`} points={shape.points.join(" ")} {...more(shape)} />)}
      </svg>
      {shapes.map(({ group, name, points }) => <span key={`${group}.${name}`} class={`name s-${group}`} style={spot(points[0])}>{name}</span>)}
    </>
  );
}

export function Overlay({ camera, settings, view, aspect, say }) {
  const { scene, objects = [] } = view ?? {};
  return (
    <div class="overlay" role="img" aria-label={camera}>
      <Shapes {...{ settings, aspect }} />
      {scene?.box && <Box box={scene.box} kind="scene"
        words={`${say.t("scene")} ${scene.score.toFixed(2)} / ${scene.threshold.toFixed(2)}`} />}
      {objects.map(({ box, label, score, event, number }) => (
        <Box key={number} box={box} kind={event ? "event" : "object"} words={`${say.label(label)} ${score.toFixed(2)}`} />))}
    </div>
  );
}
