/** Draws what is known over a picture: zones, lines, areas, boxes with labels and scores, the scene's region. */

import { arrow } from "./geometry.js";

export const COLOURS = { zones: "#35c6d6", lines: "#ffb000", masks: "#b98bff", ignored: "#9aa7b4" };
const EVENT = "#ff5a4f", OBJECT = "#7ee08a", SCENE = "#ff8ad1";

export function drawOver(canvas, settings, view, say) {
  const box = canvas.getBoundingClientRect(), scale = window.devicePixelRatio || 1;
  const width = Math.round(box.width * scale), height = Math.round(box.height * scale);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  pen.font = `${12 * scale}px system-ui, sans-serif`;
  pen.textBaseline = "top";
  const at = ([x, y]) => [x * width, y * height];
  const path = (points, closed) => {
    pen.beginPath();
    points.forEach((point, i) => pen[i ? "lineTo" : "moveTo"](...at(point)));
    if (closed) pen.closePath();
    pen.stroke();
  };
  const label = (text, [x, y], colour) => {
    const wide = pen.measureText(text).width + 8 * scale, high = 17 * scale;
    const left = Math.max(0, Math.min(width - wide, x)), top = Math.max(0, Math.min(height - high, y));
    pen.fillStyle = colour;
    pen.fillRect(left, top, wide, high);
    pen.fillStyle = "#101418";
    pen.fillText(text, left + 4 * scale, top + 3 * scale);
  };
  const frame = ([x1, y1, x2, y2], colour, thick, text) => {
    pen.strokeStyle = colour;
    pen.lineWidth = thick * scale;
    pen.strokeRect(x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height);
    if (text) label(text, [x1 * width - pen.lineWidth / 2, y1 * height - 17 * scale], colour);
  };
  for (const [group, colour] of Object.entries(COLOURS)) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5 * scale;
    pen.setLineDash(group === "zones" || group === "lines" ? [] : [5 * scale, 4 * scale]);
    for (const points of Object.values(settings?.[group] ?? {})) {
      path(points, group !== "lines");
      if (group === "lines") path(arrow(points, width / height), false);
    }
  }
  pen.setLineDash([]);
  if (!view) return;
  const { scene, objects } = view;
  if (scene?.box) {
    pen.setLineDash([6 * scale, 4 * scale]);
    frame(scene.box, SCENE, 2, `${say.t("scene")} ${scene.score.toFixed(2)} / ${scene.threshold.toFixed(2)}`);
    pen.setLineDash([]);
  }
  for (const { box: sides, label: name, score, event } of objects)
    frame(sides, event ? EVENT : OBJECT, event ? 3 : 1.5, `${say.label(name)} ${score.toFixed(2)}`);
}
