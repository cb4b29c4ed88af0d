import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { budgetAt, findings } from "../../../../components/smartcam/console/page/findings.js";
import { KINDS, WORDS, chosen, spoken } from "../../../../components/smartcam/console/page/words.js";
import { MORE } from "../../../../tools/console/page/words.js";

const sourceIn = (folder) => {
  const page = new URL(`../../../../${folder}/page/`, import.meta.url);
  return readdirSync(page).filter((name) => /\.jsx?$/.test(name) && name !== "words.js")
    .map((name) => readFileSync(new URL(name, page), "utf8")).join("\n");
};
const source = sourceIn("components/smartcam/console"), sourceOfPc = sourceIn("tools/console");
const saidIn = (text) => [...text.matchAll(/\bt\("(\w+)"/g)].map(([, key]) => key);
const unsaid = (words, text, made) =>
  Object.keys(words).filter((key) => !made.test(key) && !KINDS.includes(key) && !new RegExp(`\\b${key}\\b`).test(text));
const fields = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("everything is said in both languages, with the same things filled in", () => {
  for (const [key, texts] of [...Object.entries(WORDS), ...Object.entries(MORE)]) {
    assert.equal(texts.length, 2, key);
    assert.ok(texts.every(Boolean), key);
    assert.deepEqual(fields(texts[0]), fields(texts[1]), key);
  }
});

test("the page says nothing for which there are no words", () => {
  const said = saidIn(source), saidOnPc = saidIn(sourceOfPc);
  assert.ok(said.length > 60 && saidOnPc.length > 10);
  assert.deepEqual(said.filter((key) => !(key in WORDS)), []);
  assert.deepEqual(saidOnPc.filter((key) => !(key in WORDS || key in MORE)), []);
});

test("no words are left that nobody says", () => {
  assert.deepEqual(unsaid(WORDS, source, /^(new_|f_|watching|relearning|awaited)/), []);
  const made = /^first_(use|email|phone|time_zone|group|planning|planned|deploying|done|failed)$/;
  assert.deepEqual(unsaid(MORE, sourceOfPc, made), []);
});

test("the first language that a person reads and the page speaks is chosen", () => {
  assert.equal(chosen(["fr-FR", "zh-Hant-TW", "en"]), "zh");
  assert.equal(chosen(["fr"]), "en");
  assert.equal(chosen([]), "en");
});

test("a field is filled in as it is, and a word that is not known is said as the device said it", () => {
  const { t } = spoken("en");
  assert.equal(t("until", { time: "{time} $& <b>" }), "until {time} $& <b>");
  assert.equal(t("bicycle"), "bicycle");
  assert.equal(t("constructor"), "constructor");
  assert.equal(t("rate", { rate: 0 }), "0 pictures a second");
});

const well = {
  capture_version: "1", clock_synced: true, failed: 0, bundle_refused: null, configuration_refused: null,
  release_refused: null, outbox: { waiting: 0, refused: 0, dropped: 0, unreadable: 0 },
};
const now = Date.parse("2026-11-30T12:00:00Z"), heard = "2026-11-30T11:59:30.000Z";
const running = [{ id: "yard", state: "running", scene: null }];
const keys = (...told) => findings(...told).map(({ key }) => key);

test("a device that is well has no findings", () => assert.deepEqual(findings(well, heard, running, now), []));

test("each thing that can be wrong is found, the worst first", () => {
  const ill = {
    ...well, capture_version: null, clock_synced: false, failed: 2, bundle_refused: "x", configuration_refused: "y",
    release_refused: "z", outbox: { waiting: 3, dropped: 1 },
  };
  const cameras = [{ id: "a", state: "lost", reason: "gone" }, { id: "b", state: "running", scene: { drift: true } }];
  const replaced = [{ component: "smartcam.Capture", loop: "live-a", at: "2026-11-30T11:40:00.000Z" }];
  const found = findings(ill, "2026-11-30T11:50:00Z", cameras, now, replaced);
  assert.deepEqual(new Set(found.map(({ key }) => key)), new Set([
    "f_silent", "f_bundle", "f_configuration", "f_release", "f_outbox_lost", "f_no_capture", "f_clock", "f_failed",
    "f_waiting", "f_camera", "f_drift", "f_replaced"]));
  assert.equal(found.find(({ key }) => key === "f_replaced").fields.time, "2026-11-30 11:40");
  assert.ok(found.every(({ key }) => key in WORDS));
  assert.deepEqual(found.map(({ level }) => level), found.map(({ level }) => level).sort());
});

test("where inference was never heard, that is what is said", () => {
  assert.deepEqual(keys(null, null, running, now), ["f_never"]);
});

test("a clip that has ended is no fault of the device, but it is said", () => {
  assert.equal(findings(well, heard, [{ id: "clip", state: "ended" }], now)[0].level, "warn");
});

test("an outbox whose events cannot be counted is not taken for a full one", () => {
  assert.deepEqual(keys({ ...well, outbox: { waiting: null } }, heard, running, now), []);
});

test("a model's label is said as it is, although the page has such a word for something else", () => {
  assert.equal(spoken("zh").label("zone"), "zone");
  assert.equal(spoken("zh").label("person"), "人");
});

test("the budget's slider goes from a tenth to a hundred alerts a day and back to its place", () => {
  assert.equal(budgetAt.number(0), 0.1);
  assert.equal(budgetAt.number(10), 1);
  assert.equal(budgetAt.number(30), 100);
  for (let place = 0; place <= 30; place += 1) assert.equal(budgetAt.place(budgetAt.number(place)), place);
});

test("what writes times is made once for each form, because a list of a thousand events writes thousands", () => {
  const { DateTimeFormat } = Intl;
  let made = 0;
  Intl.DateTimeFormat = class extends DateTimeFormat {
    constructor(...told) {
      super(...told);
      made += 1;
    }
  };
  try {
    for (let i = 0; i < 1000; i += 1) spoken("zh").time(i * 1000, { hour: "2-digit", second: "2-digit" });
  } finally {
    Intl.DateTimeFormat = DateTimeFormat;
  }
  assert.equal(made, 1);
});
