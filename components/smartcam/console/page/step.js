/** What keeps a live picture at its edge, and what is drawn over it in step with it. Pure. */

const NS = 1e9, MOST_VIEWS = 100;

/** The device's monotonic time of what a video shows at `seconds`, in nanoseconds. */
export const momentOf = (startMonoNs, seconds) => startMonoNs + seconds * NS;

/** The same of what has an RTP stamp, by another stamp and its time; they wrap at 32 bits. */
export const momentOfStamp = ({ stamp, mono_ns }, rtpTimestamp) => mono_ns + ((rtpTimestamp - stamp) | 0) / 90000 * NS;

/** What a player does about how late it is: `seek` to a second (or null), and its `rate`. One that `begins` goes to the live edge at once. */
export function keepUp(now, begin, end, rate, begins = false) {
  const late = end - now;
  if (now < begin || late > (begins ? 0.35 : 1.5)) return { seek: Math.max(begin, end - 0.1), rate: 1 };
  if (late > 0.35) return { seek: null, rate: 1.1 };
  return { seek: null, rate: rate > 1 && late > 0.15 ? rate : 1 };
}

/** What of a buffer can be forgotten: up to this second, or null while that is not worth while. */
export const forgettable = (now, begin) => (now - begin > 30 ? now - 10 : null);

/** The views in the order of their time, the newest hundred. */
export function withView(views, view) {
  const place = views.findLastIndex((each) => each.captured_mono_ns <= view.captured_mono_ns) + 1;
  return [...views.slice(0, place), view, ...views.slice(place)].slice(-MOST_VIEWS);
}

/**
 * What was seen at a moment: the view of that time or the last before it, at most a second old. A box goes with the
 * picture: it lies between this view and the next or, while there is no next, goes on for half a second as it went since
 * the one before. Objects are the same by their number. Null if nothing was seen then.
 */
export function seenAt(views, monoNs) {
  const place = views.findLastIndex((each) => each.captured_mono_ns <= monoNs + 0.02 * NS);
  const view = views[place], at = view?.captured_mono_ns;
  if (!view || monoNs - at > NS) return null;
  const [from, to] = views[place + 1] ? [view, views[place + 1]] : [views[place - 1], view];
  const apart = from ? to.captured_mono_ns - from.captured_mono_ns : 0;
  if (apart <= 0 || apart > NS) return view;
  const share = Math.max(0, (Math.min(monoNs, at + 0.5 * NS) - from.captured_mono_ns) / apart);
  const of = ({ objects }, { number }) => objects.find((each) => each.number === number)?.box;
  const objects = view.objects.map((object) => {
    const first = of(from, object), last = of(to, object);
    return first && last ? { ...object, box: first.map((side, i) => side + (last[i] - side) * share) } : object;
  });
  return { ...view, objects };
}
