/**
 * A story as blocks of text, one for each message that came from outside, written when it has been
 * answered. So the stories of several containers, and of several processes that share a file, stay apart.
 */
import type { Sent, StoryRecord } from '../messages/message.ts';
import { shortName } from './message-why.ts';
import { harmless } from './quote.ts';
import { storyText } from './story-text.ts';

export interface BlocksOptions {
  /** Which process tells. */
  title: string;
  width: number;
  /** @param id of the container that the block is about, where it is about one */
  write: (text: string, id: string | undefined) => void;
}

/** More would be lost than gained: a block this long is written in parts. */
const LONGEST_BLOCK = 100_000;

/** `2026-11-23 23:41:07.120 UTC` */
const now = (): string => new Date().toISOString().replace('T', ' ').replace('Z', ' UTC');

export function storyBlocks(options: BlocksOptions): { take(record: StoryRecord): void } {
  /** Message → the outermost one that it lies within. */
  const topOf = new Map<string, Block>();

  const begin = (message: Sent): Block => {
    const block: Block = { id: idOf(message), text: '', story: { take() {}, end() {} } };
    const heading = `== ${shortName(message.name)} ${harmless(block.id ?? '')}`.trimEnd();
    const flush = () => {
      if (block.text) options.write(block.text, block.id);
      block.text = '';
    };
    block.text = `\n${heading}\n   ${now()}, told by ${options.title}\n`;
    block.story = storyText({
      width: options.width,
      write(text) {
        block.text += `${block.text ? '' : `\n${heading}, continued\n`}${text}`;
        if (block.text.length > LONGEST_BLOCK) flush();
      },
    });
    block.flush = flush;
    return block;
  };

  return {
    take(record) {
      if (record.kind === 'sent') {
        const block = (record.within === undefined ? undefined : topOf.get(record.within)) ?? begin(record);
        block.top ??= record.id;
        topOf.set(record.id, block);
        block.story.take(record);
        return;
      }
      if (record.kind === 'answered') {
        const block = topOf.get(record.id);
        topOf.delete(record.id);
        block?.story.take(record);
        if (block?.top === record.id) block.flush?.();
        return;
      }
      if (record.kind === 'step' && record.within !== undefined) topOf.get(record.within)?.story.take(record);
    },
  };
}

interface Block {
  id: string | undefined;
  /** The outermost message. */
  top?: string;
  text: string;
  story: { take(record: StoryRecord): void; end(): void };
  flush?: () => void;
}

/** The container that a message is about. */
function idOf({ carries }: Sent): string | undefined {
  const id = carries.container_id ?? carries.id;
  return typeof id === 'string' ? id : undefined;
}
