/** `--explain` through other layers: all of them tell into one file, and it is read here while it grows. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Story } from '../../explain/story.ts';
import { textWidth, wantsColour } from '../../explain/style.ts';
import type { StoryRecord } from '../../messages/message.ts';
import { beginStory, STORY, storyReader } from '../../messages/story-file.ts';
import type { Config } from '../../runc/spec/config.ts';
import type { RunOptions } from '../run-options.ts';
import { UsageError } from '../usage-error.ts';
import { writeAll } from '../write-all.ts';

/** How often the file is looked at. */
const LOOK_MS = 20;
/** How long what is under way at the end is waited for. */
const PARTING_MS = 1000;

/** What of the options a story depends on. */
export interface StoryOptions extends Pick<RunOptions, 'explain' | 'explainTo' | 'explainNumbers'> {
  /** The uppermost of the layers that the container is run through. */
  through?: 'shim' | 'containerd' | 'dockerd' | undefined;
}

export interface OpenStory {
  /** Tells what is left, and ends. */
  close(): Promise<void>;
}

/** Begins the story, if one is asked for; the processes started from now on take part. */
export async function openStory(options: StoryOptions, folder: string, config: Config): Promise<OpenStory> {
  if (!options.explain && !options.explainTo) return { async close() {} };
  let fd = 2;
  if (options.explainTo) {
    try {
      fd = openSync(options.explainTo, 'w');
    } catch (error) {
      throw new UsageError(`--explain-to ${options.explainTo}: cannot be written (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  const write = (text: string) => writeAll(fd, text);
  const stream = options.explainTo ? {} : process.stderr;
  const format = options.explain ?? 'text';
  const look = { format, width: textWidth(stream), colour: wantsColour(stream), numbers: options.explainNumbers };
  const path = join(folder, 'story');
  const file = beginStory(path, look);
  process.env[STORY] = path;
  const story = await teller(options, config, { ...look, write });
  const reader = storyReader(path);
  // A shim believes that it talks to containerd; here that is this process.
  const named = (record: StoryRecord): StoryRecord =>
    options.through === 'shim' && record.kind === 'sent' && record.to === 'containerd' ? { ...record, to: 'minirun' } : record;
  const unanswered = new Set<string>();
  const tellNew = () => {
    for (const record of reader.read()) {
      if (record.kind === 'sent') unanswered.add(record.id);
      else if (record.kind === 'answered') unanswered.delete(record.id);
      story.take(named(record));
    }
  };
  const timer = setInterval(tellNew, LOOK_MS);
  return {
    async close() {
      clearInterval(timer);
      delete process.env[STORY];
      file.close();
      tellNew();
      // A shim that ends has still to write down its last answers.
      for (let left = PARTING_MS; unanswered.size > 0 && left > 0; left -= LOOK_MS) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        tellNew();
      }
      story.end();
      reader.close();
      if (fd !== 2) closeSync(fd);
    },
  };
}

type Look = { write: (text: string) => void; width: number; colour: boolean };

async function teller(options: StoryOptions, config: Config, look: Look): Promise<Story> {
  if (options.explain === 'json') return (await import('../../explain/story-json.ts')).storyJson(look);
  if (options.explain === 'html') return (await import('../../explain/story-html.ts')).storyHtml({ write: look.write, config });
  const { storyOpening, storyText } = await import('../../explain/story-text.ts');
  const layers = ['dockerd', 'containerd', 'shim', 'runc'];
  const parts = ['minirun', ...layers.slice(layers.indexOf(options.through ?? 'shim'))];
  look.write(
    storyOpening(parts, 'A container is run through other layers. Each message between them is told, and what it sets going.', look),
  );
  return storyText(look);
}
