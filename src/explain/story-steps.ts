/** The steps of a program, told into a story: by the process that makes them, for one that reads elsewhere. */

import type { StoryLook } from '../messages/message.ts';
import { now, tell, within } from '../messages/teller.ts';
import type { Observer } from '../runc/engine/observer.ts';
import { encodeProgram } from '../runc/program/json.ts';
import { jsonNarrator } from './json.ts';
import { narrator } from './narrate.ts';
import { BAR_WIDTH } from './story-text.ts';

/** Bars beside a program: minirun's, dockerd's, containerd's and the shim's messages lie around it. */
const DEEPEST = 4;

/** Watches one call of the runtime (create, start, exec, delete). */
export function storySteps(look: StoryLook, opening: ((steps: number) => string) | undefined): Observer {
  const parent = within();
  const record = () => ({ kind: 'step' as const, ...(parent === undefined ? {} : { within: parent }), at: now() });
  if (look.format === 'text') {
    return narrator({
      write: (text) => tell({ ...record(), text }),
      colour: look.colour,
      width: Math.max(40, look.width - DEEPEST * BAR_WIDTH),
      numbers: look.numbers,
      ...(opening ? { opening } : {}),
    });
  }
  const json = jsonNarrator({ write: (text) => tell({ ...record(), step: JSON.parse(text) }) });
  let isProgramTold = look.format !== 'html';
  return {
    begin(where) {
      if (!isProgramTold) {
        isProgramTold = true;
        tell({ ...record(), kind: 'program', program: JSON.parse(encodeProgram(where.program)) });
      }
      json.begin?.(where);
    },
    end: (where, outcome) => json.end?.(where, outcome),
  };
}
