/** First use, while there is no camera: find those that are there, and what to deploy for them. */

import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api.js";

export function FirstUse({ app: { say: { t }, said } }) {
  const [can, setCan] = useState(false), [found, setFound] = useState(null), [busy, setBusy] = useState(false);
  useEffect(() => { get("finding").then((answer) => setCan(answer.can_find), said); }, []);
  const find = () => {
    setBusy(true);
    post("finding").then(setFound, said).then(() => setBusy(false));
  };
  return (
    <div class="card first">
      <p class="note">{t("no_cameras")}</p>
      <p>{t(can ? "first_find" : "first_find_elsewhere")}</p>
      {can && <button type="button" disabled={busy} onClick={find}>{t(busy ? "first_looking" : "first_look")}</button>}
      {found?.remarks.map((words) => <p class="note" key={words}>{words}</p>)}
      {found?.yaml && <><p>{t("first_deploy")}</p><pre tabIndex={0}>{found.yaml}</pre></>}
      {found && !found.yaml && <p role="status">{t("first_none")}</p>}
      <p class="note">{t("first_then")}</p>
    </div>
  );
}
