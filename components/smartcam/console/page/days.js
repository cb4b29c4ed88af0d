/** The time line: events by day, the rows in sight, places on a day's axis. Pure. */

const HOUR = 3600_000, WEEK = 168 * HOUR;
export const ROW = 68;
export const LOSSES = new Set(["camera_lost", "camera_restored", "tamper"]);

/** The day of a time where the person is, as in `2026-11-30`. */
export const dayOf = (time) => {
  const at = new Date(time), two = (number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};

/** Rows of a list: a heading for each day, then its events, newest first. */
export function rowsOf(events) {
  const rows = [];
  let last = null;
  for (const event of events) {
    const day = dayOf(event.started_at);
    if (day !== last) rows.push({ day });
    rows.push({ event });
    last = day;
  }
  return rows;
}

/** Which rows are in sight: from `first` up to before `last`, some more on both sides. */
export function inSight(count, top, height, row = ROW, more = 6) {
  const first = Math.max(0, Math.min(count, Math.floor(top / row) - more));
  return { first, last: Math.min(count, Math.ceil((top + height) / row) + more) };
}

/** Where to scroll so that a row is in sight; where it is now if it is. */
export function scrolledTo(place, top, height, row = ROW) {
  if (place * row < top + row) return Math.max(0, (place - 1) * row);
  return (place + 1) * row > top + height ? (place + 1) * row - height : top;
}

/** Where a time lies on its day's axis, 0 to 1: days have 23 to 25 hours. Beyond 0..1 on other days. */
export function placeOf(time, day) {
  const begin = new Date(`${day}T00:00`).getTime();
  const end = new Date(begin + 36 * HOUR).setHours(0, 0, 0, 0);
  return (new Date(time).getTime() - begin) / (end - begin);
}

/** The marks of a day: each event at its place, and how long it lasted; what is not over lasts until now. */
export function marksOf(events, day, now) {
  return events.flatMap((event) => {
    const from = Math.max(0, placeOf(event.started_at, day)), to = Math.min(1, placeOf(event.ended_at ?? now, day));
    return from > 1 || to < 0 || to < from ? [] : [{ event, from, to }];
  });
}

/** Newer answers in place of older ones and the rest beside them: newest first, none twice. Ids sort by time. */
export function merged(events, others) {
  const all = new Map([...events, ...others].map((event) => [event.event_id, event]));
  return [...all.values()].sort((a, b) => (a.event_id < b.event_id ? 1 : -1));
}

/** The first id that an event of after this day can have: ids are UUIDs of version 7, which begin with their time. */
export function idAfter(day) {
  const digits = new Date(new Date(`${day}T00:00`).getTime() + 36 * HOUR).setHours(0, 0, 0, 0).toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
}

/** How unusual a learned scene found an event, 0 to 1; 0 where it did not. */
export const unusualness = ({ kind, score, scene_score }) => (kind === "anomaly" ? score : scene_score) ?? 0;

/** What a learned scene found most unusual in the last week: events of its own, and others in which it saw it too. */
export const mostUnusual = (events, now, most = 5) => events
  .filter((event) => unusualness(event) > 0 && now - new Date(event.started_at) < WEEK)
  .sort((one, other) => unusualness(other) - unusualness(one)).slice(0, most);

/**
 * The list after an answer: `older` says that it was asked for what is before the list's end. Where so much is new that
 * the answer does not reach the list, the list begins anew: there would be a hole in it.
 */
export function withAnswer({ events, more }, answer, older) {
  const isBeyond = !older && answer.more && events.length && answer.events.at(-1).event_id > events[0].event_id;
  if (isBeyond || !events.length) return answer;
  return { events: merged(events, answer.events), more: older ? answer.more : more };
}

/** The parameters of a request for events; what is empty is left out. */
export const query = (fields) =>
  new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== "" && value != null)).toString();
