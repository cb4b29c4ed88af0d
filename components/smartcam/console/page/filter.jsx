/** What the event filter makes of the events that have been, in one line. */

import { useEffect, useState } from "preact/hooks";
import { get } from "./api.js";

/** Asked anew where `verdicts` changes: each says more of what the filter does. */
export function FilterNote({ verdicts, say: { t } }) {
  const [filter, setFilter] = useState(null);
  useEffect(() => {
    const timer = setTimeout(() => get("filter").then((answer) => setFilter(answer.filter), () => setFilter(null)), 500);
    return () => clearTimeout(timer);
  }, [verdicts]);
  if (!filter) return null;
  const kept = filter.held_true === 0 ? t("filter_no_true") : t("filter_true", filter);
  return (
    <p class={`filter ${filter.held_true ? "warn" : "note"}`}>
      {t(filter.on_trial ? "filter_would" : "filter_does", filter)} {t("filter_false", filter)} {kept}</p>
  );
}
