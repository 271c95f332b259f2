/**
 * A daemon tells the messages that it sends: into the story of the `minirun run --explain` that started
 * it (MINIRUN_STORY), or, for a person who looks after real engines, as blocks of text (MINIRUN_EXPLAIN).
 */
import { closeSync, openSync } from 'node:fs';
import { storyBlocks } from '../explain/story-blocks.ts';
import { storySteps } from '../explain/story-steps.ts';
import { carriesOf } from '../messages/carries.ts';
import type { StoryLook } from '../messages/message.ts';
import { joinStory, STORY } from '../messages/story-file.ts';
import { tellTo } from '../messages/teller.ts';
import type { Observe } from '../shim/task/context.ts';
import { fileFor, OPENINGS } from './runc-narration.ts';
import { writeAll } from './write-all.ts';

const LOOK: StoryLook = { kind: 'story', format: 'text', width: 100, colour: false, numbers: false };

/**
 * Begins to tell, if somebody asked for it.
 * @param part which program this is
 * @returns how it is to be told; undefined where nobody asked
 */
export function narrateMessages(part: string, env: Record<string, string | undefined> = process.env): StoryLook | undefined {
  if (env[STORY]) return joinStory(env);
  const to = env.MINIRUN_EXPLAIN;
  if (!to) return undefined;
  const blocks = storyBlocks({
    title: `${part}, process ${process.pid}`,
    width: LOOK.width,
    // In a folder, each container has a file of its own; it is the one in which minirun-runc tells its calls.
    write: (text, id) => {
      const fd = openSync(fileFor(to, id ?? part), 'a', 0o600);
      try {
        writeAll(fd, text);
      } finally {
        closeSync(fd);
      }
    },
  });
  tellTo((record) => blocks.take(record), carriesOf);
  return LOOK;
}

/** Who watches what the runtime module does. */
export const observeRuntime =
  (look: StoryLook): Observe =>
  (call) =>
    storySteps(look, OPENINGS[call]);
