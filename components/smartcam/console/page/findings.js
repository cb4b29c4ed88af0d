/** What is wrong with a device, as far as its health says. Pure. */

const SILENT_MS = 180_000;

/** Places of the budget's slider: alerts a day from 0.1 to 100, ten places for each tenfold; two digits. */
export const budgetAt = {
  number: (place) => Number((0.1 * 10 ** (place / 10)).toPrecision(2)),
  place: (number) => Math.round(10 * Math.log10(number / 0.1)),
};

/** Where a budget cuts a curve of rising thresholds: the lowest that keeps it by its bound; beyond the end where none does. */
export const cutAt = (curve, budget) => curve.findLastIndex(({ most }) => most > budget) + 1;

export const lengthOf = (seconds, t) => t("up_hours", { hours: Math.round(seconds / 360) / 10 });

/** Findings, the worst first: `{level: "bad" | "warn", key, fields}` with the key of its words. */
export function findings(health, heardAt, cameras, now, replaced = []) {
  const found = [];
  const say = (is, level, key, fields = {}) => { if (is) found.push({ level, key, fields }); };
  for (const { id, state, reason, scene } of cameras) {
    say(state !== "running", state === "lost" ? "bad" : "warn", "f_camera", { camera: id, state, reason: reason || "" });
    say(scene?.drift, "warn", "f_drift", { camera: id });
  }
  for (const { component, loop, at } of replaced) say(true, "warn", "f_replaced", { component, loop, time: at.slice(0, 16).replace("T", " ") });
  if (!health) return [{ level: "warn", key: "f_never", fields: {} }, ...found];
  const silent = now - new Date(heardAt), { outbox } = health;
  const gone = (outbox.refused ?? 0) + (outbox.dropped ?? 0) + (outbox.unreadable ?? 0);
  say(silent > SILENT_MS, "bad", "f_silent", { minutes: Math.floor(silent / 60_000) });
  for (const what of ["bundle", "configuration", "release"])
    say(health[`${what}_refused`], "bad", `f_${what}`, { reason: health[`${what}_refused`] });
  say(gone > 0, "bad", "f_outbox_lost", { count: gone });
  say(!health.capture_version, "warn", "f_no_capture");
  say(!health.clock_synced, "warn", "f_clock");
  say(health.failed > 0, "warn", "f_failed", { count: health.failed });
  say(outbox.waiting > 0, "warn", "f_waiting", { count: outbox.waiting });
  return found.sort((a, b) => a.level.localeCompare(b.level));
}
