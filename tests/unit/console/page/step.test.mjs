import assert from "node:assert/strict";
import { test } from "node:test";
import { forgettable, keepUp, momentOf, momentOfStamp, seenAt, withView } from "../../../../components/smartcam/console/page/step.js";

const NS = 1e9;
const view = (seconds, x, number = 1) => ({
  captured_mono_ns: seconds * NS, objects: [{ number, box: [x, 0, x + 0.1, 1], label: "person" }], scene: null,
});

test("a player that is far behind goes to the live edge, and one that is a little behind plays faster", () => {
  assert.deepEqual(keepUp(3, 0, 10, 1), { seek: 9.9, rate: 1 });
  assert.deepEqual(keepUp(9.5, 0, 10, 1), { seek: null, rate: 1.1 });
  assert.deepEqual(keepUp(9.9, 0, 10, 1), { seek: null, rate: 1 });
});

test("a player that begins goes to the live edge, whatever it was sent of what came before", () => {
  assert.deepEqual(keepUp(9.2, 0, 10, 1, true), { seek: 9.9, rate: 1 });
  assert.deepEqual(keepUp(9.8, 0, 10, 1, true), { seek: null, rate: 1 });
});

test("a picture's moment follows from another stamp, also where the stamps have begun anew between", () => {
  assert.equal(momentOfStamp({ stamp: 1000, mono_ns: 5 * NS }, 1000 + 90000), 6 * NS);
  assert.equal(momentOfStamp({ stamp: 45000, mono_ns: 5 * NS }, 0), 4.5 * NS);
  assert.equal(momentOfStamp({ stamp: 2 ** 32 - 45000, mono_ns: 5 * NS }, 45000), 6 * NS);
});

test("a player that has caught up half way goes on doing so, until it is at the edge", () => {
  assert.equal(keepUp(9.75, 0, 10, 1.1).rate, 1.1);
  assert.equal(keepUp(9.75, 0, 10, 1).rate, 1);
  assert.equal(keepUp(9.9, 0, 10, 1.1).rate, 1);
});

test("a stream whose begin lies ahead of the player is joined where it is", () => {
  assert.deepEqual(keepUp(0, 100, 100.05, 1), { seek: 100, rate: 1 });
});

test("what was played half a minute ago is forgotten", () => {
  assert.equal(forgettable(20, 0), null);
  assert.equal(forgettable(40, 0), 30);
});

test("media time counts from the device's own clock", () => assert.equal(momentOf(5 * NS, 1.5), 6.5 * NS));

test("views are kept in the order of their time, and only the newest hundred", () => {
  let views = [];
  for (const seconds of [3, 1, 2]) views = withView(views, view(seconds, 0));
  assert.deepEqual(views.map((each) => each.captured_mono_ns / NS), [1, 2, 3]);
  for (let i = 0; i < 200; i += 1) views = withView(views, view(10 + i, 0));
  assert.equal(views.length, 100);
});

test("a box lies between where it was before and after the picture that is shown", () => {
  const views = [view(1, 0.2), view(1.2, 0.4)];
  assert.ok(Math.abs(seenAt(views, 1.1 * NS).objects[0].box[0] - 0.3) < 1e-6);
  assert.equal(seenAt(views, 1 * NS).objects[0].box[0], 0.2);
});

test("while the next view is on its way a box goes on as it went, for half a second at most", () => {
  const views = [view(1, 0.2), view(1.2, 0.3)], x = (seconds) => seenAt(views, seconds * NS).objects[0].box[0];
  assert.ok(Math.abs(x(1.4) - 0.4) < 1e-6);
  assert.ok(Math.abs(x(1.7) - 0.55) < 1e-6);
  assert.equal(x(2.1), x(1.7));
});

test("a box whose object was not there before stays where it was seen", () => {
  assert.equal(seenAt([view(1, 0.2, 1), view(1.2, 0.8, 2)], 1.4 * NS).objects[0].box[0], 0.8);
  assert.equal(seenAt([view(1.2, 0.8)], 1.4 * NS).objects[0].box[0], 0.8);
  assert.equal(seenAt([view(1.2, 0.3), view(1.2, 0.8)], 1.4 * NS).objects[0].box[0], 0.8);
});

test("two objects are never taken for one", () => {
  assert.equal(seenAt([view(1, 0.2, 1), view(1.2, 0.8, 2)], 1.1 * NS).objects[0].box[0], 0.2);
});

test("what was seen long before the picture, or only after it, is not drawn over it", () => {
  assert.equal(seenAt([view(1, 0.2)], 2.5 * NS), null);
  assert.equal(seenAt([view(1, 0.2)], 0.5 * NS), null);
  assert.equal(seenAt([], 1 * NS), null);
});

test("boxes do not glide over a gap in which nothing was seen", () => {
  assert.equal(seenAt([view(1, 0.2), view(4, 0.8)], 1.5 * NS).objects[0].box[0], 0.2);
});
