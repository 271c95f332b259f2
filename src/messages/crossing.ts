/** Tells of a message around the sending of it. */
import type { Fields, Seam } from './message.ts';
import { answeringTo, isTold, now, tell, within } from './teller.ts';

export interface Crossing extends Seam {
  name: string;
  carries: Fields;
}

let last = 0;

/** Begins a message. What it returns ends it, once. */
export function begin(message: Crossing): { id: string; end(answer: Fields | undefined, failure?: string): void } {
  const id = `${process.pid}.${++last}`;
  const at = now();
  const parent = within();
  tell({
    kind: 'sent',
    id,
    ...(parent === undefined ? {} : { within: parent }),
    at,
    pid: process.pid,
    from: message.from,
    to: message.to,
    protocol: message.protocol,
    name: message.name,
    carries: message.carries,
  });
  let over = false;
  return {
    id,
    end(answer, failure) {
      if (over) return;
      over = true;
      const end = now();
      tell({
        kind: 'answered',
        id,
        at: end,
        ns: end - at,
        ...(answer && Object.keys(answer).length ? { answer } : {}),
        ...(failure === undefined ? {} : { failure }),
      });
    },
  };
}

/**
 * Sends a message that is no RPC: the start of a process, or a call into another layer's module. What
 * `act` sends and does is told within it. Where nobody listens, it is `act()` and no more.
 * @param message what is told; made only when somebody listens
 * @param answer the fields that are told of the result
 */
export async function crossing<R>(message: () => Crossing, act: () => Promise<R>, answer: (result: R) => Fields = () => ({})): Promise<R> {
  if (!isTold()) return act();
  const { id, end } = begin(message());
  try {
    const result = await answeringTo(id, act);
    end(answer(result));
    return result;
  } catch (error) {
    end(undefined, sentence(error));
    throw error;
  }
}

/** The first line of an error's message. */
export const sentence = (error: unknown): string => String((error as Error)?.message ?? error).split('\n')[0] ?? '';
