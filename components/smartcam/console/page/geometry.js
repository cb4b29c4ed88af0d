/** Shapes on a picture: points are [x, y], each 0 to 1, as in the configuration. Pure. */

export const clamp = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));

/** To the thousandth: finer than any picture is looked at, and short in YAML. */
export const tidy = ([x, y]) => [Math.round(clamp(x) * 1000) / 1000, Math.round(clamp(y) * 1000) / 1000];

export const distance = ([x1, y1], [x2, y2]) => Math.hypot(x2 - x1, y2 - y1);

export const middle = ([x1, y1], [x2, y2]) => tidy([(x1 + x2) / 2, (y1 + y2) / 2]);

/** Where a pointer is on the picture that fills the box `rect`. */
export const pointOf = (event, rect) => tidy([
  (event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height,
]);

/** All points moved together; none leaves the picture, and the shape keeps its form. */
export function shifted(points, dx, dy) {
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const x = clamp(dx, -Math.min(...xs), 1 - Math.max(...xs)), y = clamp(dy, -Math.min(...ys), 1 - Math.max(...ys));
  return points.map(([px, py]) => tidy([px + x, py + y]));
}

export const replaced = (points, place, point) => points.map((each, i) => (i === place ? tidy(point) : each));

/** A corner more, half way between the corner at `place` and the next. */
export const widened = (points, place) => {
  const corner = middle(points[place], points[(place + 1) % points.length]);
  return [...points.slice(0, place + 1), corner, ...points.slice(place + 1)];
};

/**
 * Where the arrow of a line stands: from its middle to its right, seen from the first point to the second, which is
 * the direction "forward". `aspect` is the picture's width by its height: right angles are the eye's.
 */
export function arrow([[x1, y1], [x2, y2]], aspect, length = 0.06) {
  const dx = (x2 - x1) * aspect, dy = y2 - y1, size = Math.hypot(dx, dy) || 1;
  const x = (x1 + x2) / 2, y = (y1 + y2) / 2;
  return [[x, y], [x + (-dy / size) * length / aspect, y + (dx / size) * length]];
}

/** What a step of an arrow key is: a hundredth, ten times as far with Shift, a tenth of it with Alt; else null. */
export function keyStep({ key, shiftKey, altKey }) {
  const far = shiftKey ? 0.1 : altKey ? 0.001 : 0.01;
  const steps = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
  return Object.hasOwn(steps, key) ? steps[key] : null;
}

/** The first of `word`, `word 2`, `word 3`, ... that no shape has yet. */
export function freeName(word, taken) {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? word : `${word} ${number}`;
    if (!taken.includes(name)) return name;
  }
}

/** The table with one name changed and the order kept; the same table where the name is taken, empty or no other. */
export function renamed(table, from, to) {
  if (!to || Object.hasOwn(table, to)) return table;
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name === from ? to : name, value]));
}

/** Settings in which a zone, line, area or rule has another name, also where rules say it. */
export function renamedIn(settings, group, from, to) {
  const table = renamed(settings[group] ?? {}, from, to);
  if (table === settings[group]) return settings;
  const said = (rule) => ({
    ...rule,
    ...(group === "zones" && rule.zones && { zones: rule.zones.map((name) => (name === from ? to : name)) }),
    ...(group === "lines" && rule.line === from && { line: to }),
  });
  const rules = group === "rules" ? table : settings.rules;
  return { ...settings, [group]: table, ...(rules && {
    rules: Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, said(rule)])),
  }) };
}

/** A rule with a key set; what is empty is left out, because a key that is not there matches everything. */
export function withKey(rule, key, value) {
  const { [key]: _, ...others } = rule;
  return value === "" || value == null || value.length === 0 ? others : { ...others, [key]: value };
}

/** What is wrong with one shape or rule: the errors whose key names it. */
export const errorsAt = (errors, group, name) => errors.filter(({ key }) => `.${key}.`.includes(`.${group}.${name}.`));
