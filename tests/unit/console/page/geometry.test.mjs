import assert from "node:assert/strict";
import { test } from "node:test";
import {
  arrow, errorsAt, freeName, keyStep, pointOf, renamedIn, replaced, shifted, tidy, widened, withKey,
} from "../../../../components/smartcam/console/page/geometry.js";

const square = [[0.1, 0.1], [0.3, 0.1], [0.3, 0.3], [0.1, 0.3]];

test("a pointer outside the picture is at its edge", () => {
  const rect = { left: 100, top: 50, width: 200, height: 100 };
  assert.deepEqual(pointOf({ clientX: 150, clientY: 75 }, rect), [0.25, 0.25]);
  assert.deepEqual(pointOf({ clientX: 0, clientY: 999 }, rect), [0, 1]);
});

test("a shape that is moved beyond an edge stops there and keeps its form", () => {
  const moved = shifted(square, -5, 5);
  assert.deepEqual(moved, [[0, 0.8], [0.2, 0.8], [0.2, 1], [0, 1]]);
});

test("no corner ever leaves the picture, whatever it is moved by", () => {
  for (let i = 0; i < 500; i += 1) {
    const by = [Math.random() * 4 - 2, Math.random() * 4 - 2];
    for (const points of [shifted(square, ...by), replaced(square, i % 4, by), widened(square, i % 4)])
      for (const side of points.flat()) assert.ok(side >= 0 && side <= 1, `${by}`);
  }
});

test("a corner more lies half way to the next, also after the last", () => {
  assert.deepEqual(widened(square, 3)[4], [0.1, 0.2]);
  assert.deepEqual(widened(square, 0)[1], [0.2, 0.1]);
});

test("the arrow of a line points to its right, seen from its first point to its second, as the device has it", () => {
  const [, right] = arrow([[0.2, 0.5], [0.8, 0.5]], 16 / 9);
  assert.ok(right[1] > 0.5, "the right of a line that points right is below it");
  const [, left] = arrow([[0.5, 0.2], [0.5, 0.8]], 16 / 9);
  assert.ok(left[0] < 0.5, "the right of a line that points down is to the left in the picture");
});

test("the arrow stands upright on its line to the eye, in a wide picture too", () => {
  const aspect = 16 / 9, [a, b] = [[0.1, 0.1], [0.6, 0.7]], [tail, tip] = arrow([a, b], aspect);
  const along = [(b[0] - a[0]) * aspect, b[1] - a[1]], up = [(tip[0] - tail[0]) * aspect, tip[1] - tail[1]];
  assert.ok(Math.abs(along[0] * up[0] + along[1] * up[1]) < 1e-9);
  assert.ok(arrow([a, a], aspect).flat().every(Number.isFinite));
});

test("arrow keys step by a hundredth, far with Shift, finely with Alt; other keys do not", () => {
  assert.deepEqual(keyStep({ key: "ArrowLeft" }), [-0.01, 0]);
  assert.deepEqual(keyStep({ key: "ArrowDown", shiftKey: true }), [0, 0.1]);
  assert.deepEqual(keyStep({ key: "ArrowUp", altKey: true }), [0, -0.001]);
  assert.equal(keyStep({ key: "a" }), null);
  assert.equal(keyStep({ key: "constructor" }) ?? null, null);
});

test("numbers in the settings are short", () => assert.deepEqual(tidy([1 / 3, 2]), [0.333, 1]));

test("a new shape gets a name that none has", () => {
  assert.equal(freeName("zone", []), "zone");
  assert.equal(freeName("zone", ["zone", "zone 2"]), "zone 3");
});

const settings = {
  zones: { path: square, door: square }, lines: { gate: [[0, 0], [1, 1]] }, masks: {},
  rules: { a: { zones: ["path", "door"], labels: ["person"] }, b: { line: "gate", direction: "both" } },
};

test("rules go on naming a zone or line that is renamed, and everything keeps its place", () => {
  const zones = renamedIn(settings, "zones", "path", "way");
  assert.deepEqual(Object.keys(zones.zones), ["way", "door"]);
  assert.deepEqual(zones.rules.a, { zones: ["way", "door"], labels: ["person"] });
  const lines = renamedIn(settings, "lines", "gate", "in");
  assert.deepEqual(lines.rules.b, { line: "in", direction: "both" });
  assert.deepEqual(Object.keys(renamedIn(settings, "rules", "a", "c").rules), ["c", "b"]);
});

test("a name that is taken or empty renames nothing, so no zone is lost", () => {
  assert.equal(renamedIn(settings, "zones", "path", "door"), settings);
  assert.equal(renamedIn(settings, "zones", "path", ""), settings);
  assert.equal(renamedIn(settings, "zones", "path", "path"), settings);
});

test("a name that every object of this language has is a name like any other", () => {
  for (const name of ["constructor", "toString", "__proto__"]) {
    const said = renamedIn(settings, "zones", "path", name);
    assert.deepEqual(Object.keys(said.zones), [name, "door"]);
    assert.deepEqual(said.rules.a.zones, [name, "door"]);
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(said)).zones), [name, "door"]);
  }
});

test("a key of a rule that is emptied is left out, and the others stay", () => {
  assert.deepEqual(withKey({ line: "gate", loiter_s: 3 }, "line", ""), { loiter_s: 3 });
  assert.deepEqual(withKey({ a: 1 }, "zones", []), { a: 1 });
  assert.deepEqual(withKey({}, "loiter_s", 5), { loiter_s: 5 });
});

test("an error stands at the shape that its key names, and not at one whose name begins alike", () => {
  const errors = [{ key: "cameras.yard.zones.path", words: "no" }, { key: "rules.a.labels", words: "no" }];
  assert.equal(errorsAt(errors, "zones", "path").length, 1);
  assert.equal(errorsAt(errors, "zones", "pat").length, 0);
  assert.equal(errorsAt(errors, "rules", "a").length, 1);
  assert.equal(errorsAt(errors, "masks", "path").length, 0);
});
