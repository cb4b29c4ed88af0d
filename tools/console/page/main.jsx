/** The page of the console on a PC: a device's, and the wizard of the first use. */

import { start } from "../../../components/smartcam/console/page/app.jsx";
import { WORDS } from "../../../components/smartcam/console/page/words.js";
import { Setup } from "./wizard.jsx";
import { MORE } from "./words.js";

Object.assign(WORDS, MORE);
start({ setup: Setup });
