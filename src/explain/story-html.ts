/** A story as a page with a picture, made from a real run: the messages, and the program that they set going. */
import type { StoryRecord } from '../messages/message.ts';
import { decodeProgram } from '../runc/program/json.ts';
import type { Config } from '../runc/spec/config.ts';
import { renderHtml } from './html.ts';
import { page } from './html-page.ts';
import { drawStory } from './html-story.ts';
import { escapeHtml } from './html-text.ts';
import type { Story } from './story.ts';
import { storyLanes } from './story-lanes.ts';

export function storyHtml(options: { write: (text: string) => void; config: Config }): Story {
  const records: StoryRecord[] = [];
  return {
    take: (record) => void records.push(record),
    end: () => options.write(renderStory(records, options.config)),
  };
}

/** One self-contained HTML page. Where the runtime told no program (it was another one), it has the messages alone. */
export function renderStory(records: readonly StoryRecord[], config: Config): string {
  const lanes = storyLanes(records);
  const story = drawStory(lanes);
  if (lanes.program) return renderHtml(decodeProgram(JSON.stringify(lanes.program.program)), config, { section: story, ran: lanes.ran });
  const command = config.process?.args?.join(' ') ?? 'a command';
  return page({
    title: `How a container starts: ${command}`,
    heading: `How a container starts: <code>${escapeHtml(command)}</code>`,
    intro: '',
    story,
  });
}
