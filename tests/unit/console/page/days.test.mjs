import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ROW, dayOf, idAfter, inSight, marksOf, merged, mostUnusual, placeOf, query, rowsOf, scrolledTo, unusualness,
  withAnswer,
} from "../../../../components/smartcam/console/page/days.js";

// Run with TZ=Europe/Berlin.
const event = (id, started, ended = started) => ({ event_id: id, started_at: started, ended_at: ended });

test("the time zone is the one that the tests are written for", () => {
  assert.equal(new Date("2026-07-01T00:00:00Z").getTimezoneOffset(), -120);
});

test("an event belongs to the day where the person is, not to that of UTC", () => {
  assert.equal(dayOf("2026-11-29T23:30:00.000Z"), "2026-11-30");
});

test("each day has one heading, before its newest event", () => {
  const rows = rowsOf([event("3", "2026-11-30T10:00:00Z"), event("2", "2026-11-30T09:00:00Z"), event("1", "2026-11-29T09:00:00Z")]);
  assert.deepEqual(rows.map((row) => row.day ?? row.event.event_id), ["2026-11-30", "3", "2", "2026-11-29", "1"]);
  assert.deepEqual(rowsOf([]), []);
});

test("of a hundred thousand rows only those in sight and a few beside them are made", () => {
  for (let top = 0; top < 100_000 * ROW; top += 1_234_567) {
    const { first, last } = inSight(100_000, top, 800);
    assert.ok(last - first < 30);
    assert.ok(first * ROW <= top && last * ROW >= Math.min(top + 800, 100_000 * ROW));
  }
  assert.deepEqual(inSight(3, 5000, 800), { first: 3, last: 3 });
  assert.deepEqual(inSight(0, 0, 800), { first: 0, last: 0 });
});

test("choosing a row scrolls as little as shows it whole, with the row before it", () => {
  assert.equal(scrolledTo(5, 0, 10 * ROW), 0);
  assert.equal(scrolledTo(10, 0, 10 * ROW), ROW);
  assert.equal(scrolledTo(2, 5 * ROW, 10 * ROW), ROW);
  assert.equal(scrolledTo(0, 5 * ROW, 10 * ROW), 0);
});

test("noon is in the middle of a day, and not where the clocks change", () => {
  assert.equal(placeOf("2026-11-30T11:00:00Z", "2026-11-30"), 0.5);
  assert.equal(placeOf("2026-03-29T10:00:00Z", "2026-03-29"), 11 / 23);
  assert.equal(placeOf("2026-10-25T11:00:00Z", "2026-10-25"), 13 / 25);
  assert.ok(placeOf("2026-11-29T22:59:00Z", "2026-11-30") < 0);
});

test("a loss over midnight is on both days, and one that is not over lasts until now", () => {
  const loss = event("1", "2026-11-29T20:00:00Z", "2026-11-30T02:00:00Z");
  assert.equal(marksOf([loss], "2026-11-29", 0)[0].to, 1);
  assert.equal(marksOf([loss], "2026-11-30", 0)[0].from, 0);
  assert.deepEqual(marksOf([loss], "2026-12-01", 0), []);
  const open = { ...event("2", "2026-11-30T05:00:00Z"), ended_at: null };
  assert.equal(marksOf([open], "2026-11-30", new Date("2026-11-30T11:00:00Z"))[0].to, 0.5);
});

test("a newer answer takes an event's place, and nothing stands twice", () => {
  const all = merged([event("b", "x"), event("a", "x")], [{ ...event("a", "x"), verdict: true }, event("c", "y")]);
  assert.deepEqual(all.map(({ event_id: id, verdict }) => [id, verdict]), [["c", undefined], ["b", undefined], ["a", true]]);
});

test("older events go to the end of the list, and newer ones leave alone whether there are more", () => {
  const list = { events: [event("d"), event("c")], more: true };
  const older = withAnswer(list, { events: [event("b")], more: false }, "c");
  assert.deepEqual([older.events.map((each) => each.event_id), older.more], [["d", "c", "b"], false]);
  const newer = withAnswer(list, { events: [event("e"), event("d")], more: true });
  assert.deepEqual([newer.events.map((each) => each.event_id), newer.more], [["e", "d", "c"], true]);
});

test("a list that so much has been added to that the answer does not reach it begins anew, without a hole", () => {
  const list = { events: [event("b"), event("a")], more: false };
  const answer = { events: [event("f"), event("e")], more: true };
  assert.deepEqual(withAnswer(list, answer), answer);
  assert.deepEqual(withAnswer({ events: [], more: true }, answer), answer);
  assert.equal(withAnswer(list, { ...answer, more: false }).events.length, 4);
  assert.equal(withAnswer(list, { events: [], more: false }).events.length, 2);
});

test("the most unusual events of the last week come first, the scene's own and others that it found unusual too", () => {
  const at = (id, started, more) => ({ ...event(id, started), kind: "person", score: 0.99, ...more });
  const events = [
    at("other", "2026-11-30T08:00:00Z", { scene_score: 0.7 }), at("usual", "2026-11-30T07:00:00Z", { scene_score: null }),
    at("own", "2026-11-29T08:00:00Z", { kind: "anomaly", score: 0.8 }), at("old", "2026-11-20T08:00:00Z", { scene_score: 1 }),
    ...[1, 2, 3, 4].map((n) => at(`more ${n}`, "2026-11-28T08:00:00Z", { scene_score: n / 10 })),
  ];
  const found = mostUnusual(events, Date.parse("2026-11-30T12:00:00Z"));
  assert.deepEqual(found.map((each) => each.event_id), ["own", "other", "more 4", "more 3", "more 2"]);
  assert.deepEqual(found.map(unusualness), [0.8, 0.7, 0.4, 0.3, 0.2]);
  assert.deepEqual(mostUnusual([], 0), []);
});

test("the id after a day lies behind every id of that day, and before those of the next", () => {
  const id = (at) => at.getTime().toString(16).padStart(12, "0").replace(/^(.{8})/, "$1-");
  const end = idAfter("2026-11-30");
  assert.match(end, /^[0-9a-f]{8}-[0-9a-f]{4}-7000-8000-0{12}$/);
  assert.ok(`${id(new Date("2026-11-30T22:59:59.999Z"))}-7fff` < end);
  assert.ok(`${id(new Date("2026-11-30T23:00:00.001Z"))}-7000` > end);
});

test("what is not asked for is not in the request", () => {
  assert.equal(query({ kind: "", camera: "a&b", before: undefined, limit: 50 }), "camera=a%26b&limit=50");
});
