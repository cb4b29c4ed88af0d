/** The page of a device's own console. */

import { start } from "./app.jsx";

start();
