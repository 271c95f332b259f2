/** GET /events: a line of JSON for each event, as long as the client wants. */
import type { Events, Message } from '../events.ts';
import type { Call } from '../http/call.ts';
import { filters } from '../http/query.ts';
import { EVENT_FILTERS, eventFilter, eventSpan, pastEvents } from './event-filter.ts';

/** What waits for a client that does not read; whoever is further behind than this is cut off. In bytes. */
const MOST_WAITING = 1 << 20;
/** setTimeout takes no more; 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Resolves when the last line is written, or the client has gone. @throws 400 */
export async function streamEvents(events: Events, call: Pick<Call, 'query' | 'stream' | 'signal'>, now = Date.now): Promise<void> {
  const wanted = eventFilter(filters(call.query, EVENT_FILTERS));
  const span = eventSpan(call.query.get('since'), call.query.get('until'));
  const response = call.stream();
  const tell = (message: Message): void => {
    if (!wanted(message)) return;
    response.write(`${JSON.stringify(message)}\n`);
    if (response.writableLength > MOST_WAITING) response.destroy(new Error('the client does not read'));
  };
  for (const message of pastEvents(events.past(), span)) tell(message);
  const left = span.until === 0n ? undefined : Number(span.until / 1_000_000n) - now();
  if (left === undefined || left > 0) await follow(events, tell, response, left);
  response.end();
}

/** @param left milliseconds; undefined: until the client goes */
function follow(
  events: Events,
  tell: (message: Message) => void,
  response: ReturnType<Call['stream']>,
  left: number | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const unsubscribe = events.subscribe(tell);
    const over = () => {
      unsubscribe();
      clearTimeout(timer);
      resolve();
    };
    response.once('close', over);
    if (response.destroyed) over();
    else if (left !== undefined) timer = setTimeout(over, Math.min(left, LONGEST_TIMER));
  });
}
