/**
 * A story as a text: messages, what they carry and why, their answers, and the steps of programs
 * below the message that caused them. Bars on the left say what lies within what.
 */
import type { Answered, Sent, StoryRecord } from '../messages/message.ts';
import { layoutCall } from './call-layout.ts';
import { showFields } from './message-text.ts';
import { PARTS, reasonOf, shortName, topicOf } from './message-why.ts';
import { showTime } from './narrate.ts';
import { harmless, shortIds } from './quote.ts';
import type { Story } from './story.ts';
import { displayWidth, type Palette, padEnd, palette, wrap } from './style.ts';

export interface StoryTextOptions {
  write: (text: string) => void;
  colour?: boolean;
  /** Columns; 100 unless told. */
  width?: number;
}

/** Columns that each level of nesting takes. A program that is told inside of it is so much narrower. */
export const BAR_WIDTH = 2;

interface Open {
  number: number;
  depth: number;
  message: Sent;
}

const PART_COLOUR: Record<string, keyof Palette> = {
  docker: 'bold',
  minirun: 'bold',
  dockerd: 'red',
  containerd: 'blue',
  shim: 'green',
  runc: 'yellow',
  init: 'cyan',
};

/** Who takes part, a line each. */
export function storyOpening(parts: readonly string[], heading: string, options: Omit<StoryTextOptions, 'write'>): string {
  const style = palette(options.colour ?? false);
  const width = options.width ?? 100;
  const label = Math.max(...parts.map((part) => part.length)) + 2;
  const lines = parts.flatMap((part) =>
    wrap(PARTS[part] ?? '', width - label - 2).map((line, i) => `  ${padEnd(i === 0 ? paintPart(part, style) : '', label)}${line}`),
  );
  return `${[style.bold(heading), '', ...lines].join('\n')}\n`;
}

export const paintPart = (part: string, style: Palette): string => style[PART_COLOUR[part] ?? 'bold'](harmless(part));

export function storyText(options: StoryTextOptions): Story {
  const style = palette(options.colour ?? false);
  const width = options.width ?? 100;
  const open = new Map<string, Open>();
  const told = new Set<string>();
  let count = 0;
  /** The message whose line was the last one, and whether anything of it was said but its beginning. */
  let last: string | undefined;

  const bars = (depth: number): string => style.dim('│ '.repeat(depth));
  const say = (lines: string[]) => options.write(`${lines.map((line) => line.trimEnd()).join('\n')}\n`);
  const depthOf = (within: string | undefined): number => {
    const parent = within === undefined ? undefined : open.get(within);
    return parent ? parent.depth + 1 : 0;
  };
  /** Text at the right edge, below it where there is no room. */
  const atRight = (line: string, right: string): string => {
    const room = width - displayWidth(line) - displayWidth(right);
    return right ? `${line}${' '.repeat(Math.max(2, room))}${style.dim(right)}` : line;
  };

  /** Said where the bars alone would mislead: another message at this depth began later. */
  const aside = (within: string | undefined, depth: number): string => {
    const parent = within === undefined ? undefined : open.get(within);
    const nearest = [...open.values()].findLast((o) => o.depth === depth - 1);
    return parent && nearest && nearest !== parent ? `, within ${parent.number}` : '';
  };

  const begin = (message: Sent) => {
    const depth = depthOf(message.within);
    const number = ++count;
    const topic = topicOf(message);
    const name = `${style.bold(harmless(shortName(message.name)))}${topic === undefined ? '' : ` ${harmless(topic)}`}`;
    const head = `${bars(depth)}${style.dim('┌')} ${number}  ${paintPart(message.from, style)} → ${paintPart(message.to, style)}  ${name}`;
    const body = `${bars(depth)}${style.dim('│')}${' '.repeat(3 + String(number).length)}`;
    const room = width - displayWidth(body);
    const carried = shortIds(showFields(message.carries));
    const reason = reasonOf(message);
    const isNew = reason !== undefined && !told.has(reason.why);
    if (reason) told.add(reason.why);
    say([
      bars(depth),
      atRight(head, `${message.protocol}${aside(message.within, depth)}`),
      ...(carried ? layoutCall(carried, room).map((line) => body + style.cyan(line)) : []),
      ...(isNew ? wrap(reason.why, room).map((line) => body + line) : []),
      ...(isNew && reason.see ? wrap(`see ${reason.see}`, room).map((line) => body + style.dim(line)) : []),
    ]);
    open.set(message.id, { number, depth, message });
    last = message.id;
  };

  const end = ({ id, answer, failure, ns }: Answered) => {
    const begun = open.get(id);
    if (!begun) return;
    open.delete(id);
    const { depth, number } = begun;
    const indent = `${bars(depth)}${style.dim('└')} ${number}  `;
    const rest = `${bars(depth)}  ${' '.repeat(2 + String(number).length)}`;
    const time = showTime(ns);
    const text = failure === undefined ? (answer ? `= ${shortIds(showFields(answer))}` : '= done') : `= failed: ${harmless(failure)}`;
    const paint = failure === undefined ? style.green : style.red;
    const room = width - displayWidth(indent) - displayWidth(time) - 2;
    const lines = failure === undefined ? layoutCall(text, room) : wrap(text, room);
    say([
      ...(last === id ? [] : [bars(depth + 1)]),
      ...lines.map((line, i) => {
        const whole = (i === 0 ? indent : rest) + paint(line);
        return i === lines.length - 1 ? atRight(whole, time) : whole;
      }),
    ]);
    last = undefined;
  };

  return {
    take(record: StoryRecord) {
      if (record.kind === 'sent') begin(record);
      else if (record.kind === 'answered') end(record);
      else if (record.kind === 'step' && record.text) {
        const margin = bars(depthOf(record.within));
        say(
          record.text
            .replace(/\n$/, '')
            .split('\n')
            .map((line) => margin + line),
        );
        last = undefined;
      }
    },
    end() {
      for (const { number, message } of open.values()) say(['', style.red(`${number} (${shortName(message.name)}) has had no answer.`)]);
      open.clear();
    },
  };
}
