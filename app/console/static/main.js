/** Puts the parts of the page together. */

import { startCondition } from "./parts/condition.js";
import { startFilePanel } from "./parts/file_panel.js";
import { startKeyPanel } from "./parts/key_panel.js";
import { startLivePanel } from "./parts/live_panel.js";
import { startLoadButton } from "./parts/load_button.js";
import { startQuestionPanel } from "./parts/question_panel.js";

startKeyPanel();
startQuestionPanel();
startFilePanel();
const live = startLivePanel();
startLoadButton(live);
startCondition();
