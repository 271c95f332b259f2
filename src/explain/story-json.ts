/** A story for programs: one JSON object a line. */
import type { StoryRecord } from '../messages/message.ts';
import { reasonOf } from './message-why.ts';
import type { Story } from './story.ts';

/**
 * Three kinds of lines, in the order in which it happened:
 * `{ message, within, at, from, to, protocol, name, carries, why, see }` when one is sent,
 * `{ message, answer | failure, ns }` when it is answered,
 * and StepRecord (json.ts) with `within`, the number of the message that caused it.
 */
export function storyJson(options: { write: (text: string) => void }): Story {
  const numbers = new Map<string, number>();
  const within = (id: string | undefined) => {
    const number = id === undefined ? undefined : numbers.get(id);
    return number === undefined ? {} : { within: number };
  };
  const line = (value: object) => options.write(`${JSON.stringify(value)}\n`);
  return {
    take(record: StoryRecord) {
      if (record.kind === 'sent') {
        const { kind: _, id, within: parent, ...rest } = record;
        numbers.set(id, numbers.size + 1);
        line({ message: numbers.get(id), ...within(parent), ...rest, ...reasonOf(record) });
      } else if (record.kind === 'answered') {
        const { kind: _, id, ...rest } = record;
        if (numbers.has(id)) line({ message: numbers.get(id), ...rest });
      } else if (record.kind === 'step' && record.step) line({ ...(record.step as object), ...within(record.within) });
    },
    end() {},
  };
}
