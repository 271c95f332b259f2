/** The rows of a story's picture: who sends to whom, what lies within what, and the steps between. */
import type { Answered, ProgramTold, Sent, StoryRecord } from '../messages/message.ts';
import type { StepRecord } from './json.ts';
import { PARTS } from './message-why.ts';

export type StoryRow =
  | { kind: 'sent'; number: number; depth: number; message: Sent; answer: Answered | undefined; active: string[] }
  | { kind: 'answered'; number: number; depth: number; message: Sent; answer: Answered; active: string[] }
  | { kind: 'steps'; depth: number; steps: StepRecord[]; active: string[] };

export interface StoryLanes {
  /** From left to right: from the person down to the container. */
  parts: string[];
  rows: StoryRow[];
  /** The last program that was told: what `start` goes on with is the one that `create` began. */
  program: ProgramTold | undefined;
  /** What came of each of its steps, by its number from 1. */
  ran: Map<number, StepRecord>;
}

/** The lane of the process that makes a step. */
export const laneOfActor = (actor: string): string => (actor === 'init' ? 'init' : 'runc');

export function storyLanes(records: readonly StoryRecord[]): StoryLanes {
  const answers = new Map(records.flatMap((r) => (r.kind === 'answered' ? [[r.id, r] as const] : [])));
  const open = new Map<string, { number: number; depth: number; message: Sent }>();
  const rows: StoryRow[] = [];
  const ran = new Map<number, StepRecord>();
  const seen = new Set<string>();
  let program: ProgramTold | undefined;
  let count = 0;
  const active = () => [...new Set([...open.values()].map(({ message }) => message.to))];
  const depthOf = (within: string | undefined): number => {
    const parent = within === undefined ? undefined : open.get(within);
    return parent ? parent.depth + 1 : 0;
  };
  for (const record of records) {
    if (record.kind === 'sent') {
      const row = { number: ++count, depth: depthOf(record.within), message: record };
      open.set(record.id, row);
      for (const part of [record.from, record.to]) seen.add(part);
      rows.push({ kind: 'sent', ...row, answer: answers.get(record.id), active: active() });
    } else if (record.kind === 'answered') {
      const begun = open.get(record.id);
      if (!begun) continue;
      rows.push({ kind: 'answered', ...begun, answer: record, active: active() });
      open.delete(record.id);
    } else if (record.kind === 'program') program = record;
    else if (record.kind === 'step' && record.step) {
      const step = record.step as StepRecord;
      ran.set(step.step, step);
      seen.add('runc').add('init');
      const last = rows.at(-1);
      if (last?.kind === 'steps') last.steps.push(step);
      else rows.push({ kind: 'steps', depth: depthOf(record.within), steps: [step], active: active() });
    }
  }
  const order = Object.keys(PARTS);
  const place = (part: string) => (order.includes(part) ? order.indexOf(part) : -1);
  return { parts: [...seen].sort((a, b) => place(a) - place(b)), rows, program, ran };
}
