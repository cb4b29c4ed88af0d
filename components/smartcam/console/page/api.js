/** Asks the server. Everything is JSON, but for pictures; a refusal is an Error with the server's words. */

import { useEffect } from "preact/hooks";

let token = "";
let onSignedOut = () => {};

export function setSession(session, signedOut) {
  token = session.token ?? "";
  onSignedOut = signedOut;
}

export async function ask(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-Smartcam-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const said = await (answer.headers.get("Content-Type") === "image/jpeg" ? answer.blob() : answer.json()).catch(() => ({}));
  if (answer.ok) return said;
  if (answer.status === 401 && path !== "session") onSignedOut();
  throw new Error(said.error ?? `${answer.status} ${answer.statusText}`);
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);

/** Wishes something of the device, and says what has become of it; an answer that has not come is empty. */
export const wish = (path, body, { said, say: { t } }) => post(path, body).then((answer) => {
  said(answer.words || answer.errors?.[0]?.words || t(answer.applied ? "applied" : "not_applied"));
  return answer;
}, (error) => { said(error); return {}; });

/** The address of something under /api; its parts may hold anything. */
export const at = (...parts) => parts.map(encodeURIComponent).join("/");

/** Asks now and every so many milliseconds while somebody looks; anew where `why` changes, not at all where it is null. */
export function useEvery(ms, load, why = "") {
  useEffect(() => {
    if (why === null) return undefined;
    load();
    const timer = setInterval(() => document.hidden || load(), ms);
    return () => clearInterval(timer);
  }, [why]);
}
