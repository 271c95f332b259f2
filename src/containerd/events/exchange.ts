/** Events: what happens in containerd, and who wants to know of it. */
import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { AnySchema, type Timestamp, timestampNow } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { type Envelope, EnvelopeSchema } from '../../proto/containerd/services/events/v1/events_pb.ts';
import { anyOf } from '../any.ts';
import { invalidArgument } from '../errors.ts';
import { type Filter, parseFilters } from '../filters.ts';
import { checkIdentifier } from '../identifier.ts';
import { fieldOfEvent } from './fields.ts';

/** An event that goes out: its content as it is on the wire. */
export interface Exchange {
  /** Tells everybody, with the time of now. */
  publish<D extends DescMessage>(namespace: string, topic: string, schema: D, event: MessageShape<D>): void;
  /** Tells everybody of something that a client made. @throws invalid argument */
  send(namespace: string, topic: string, event: { typeUrl: string; value: Uint8Array } | undefined, timestamp?: Timestamp): void;
  /**
   * All events from now on that one of the filters matches, in order, until the signal. A
   * subscriber that does not read holds nobody up; one that is too far behind is ended.
   */
  subscribe(filters: readonly string[], signal: AbortSignal): AsyncIterable<Envelope>;
}

/** How many events may wait for one subscriber. */
const BACKLOG = 65_536;

interface Subscriber {
  matches: Filter;
  waiting: Envelope[];
  /** It reads too slowly, and is told so when it reads on. */
  behind: boolean;
  wake(): void;
}

export function openExchange(): Exchange {
  const subscribers = new Set<Subscriber>();
  const broadcast = (envelope: Envelope) => {
    const field = fieldOfEvent(envelope);
    for (const subscriber of subscribers) {
      if (subscriber.behind || !subscriber.matches(field)) continue;
      if (subscriber.waiting.length < BACKLOG) subscriber.waiting.push(envelope);
      else Object.assign(subscriber, { behind: true, waiting: [] });
      subscriber.wake();
    }
  };
  const send: Exchange['send'] = (namespace, topic, event, timestamp = timestampNow()) => {
    checkIdentifier(namespace, 'event envelope has invalid namespace');
    checkTopic(topic);
    if (!event) throw invalidArgument('event cannot be nil');
    broadcast(create(EnvelopeSchema, { timestamp, namespace, topic, event: create(AnySchema, event) }));
  };
  return {
    publish: (namespace, topic, schema, event) => send(namespace, topic, anyOf(schema, event)),
    send,
    subscribe(texts, signal) {
      // Here, not at the first read: what happens between the two is for the subscriber as well.
      const subscriber: Subscriber = { matches: parseFilters(texts), waiting: [], behind: false, wake: () => undefined };
      subscribers.add(subscriber);
      const leave = () => {
        subscribers.delete(subscriber);
        subscriber.wake();
      };
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
      return readFrom(subscriber, () => !subscribers.has(subscriber), leave);
    },
  };
}

async function* readFrom(subscriber: Subscriber, over: () => boolean, leave: () => void): AsyncGenerator<Envelope> {
  try {
    while (!over()) {
      const batch = subscriber.waiting;
      subscriber.waiting = [];
      if (subscriber.behind) throw new ConnectError(`the subscriber was more than ${BACKLOG} events behind`, Code.ResourceExhausted);
      yield* batch;
      if (subscriber.waiting.length > 0) continue;
      if (over()) return;
      await new Promise<void>((resolve) => {
        subscriber.wake = resolve;
      });
    }
  } finally {
    leave();
  }
}

/** `/tasks/exit`: words that could be identifiers. @throws invalid argument */
function checkTopic(topic: string): void {
  const what = `topic ${JSON.stringify(topic)}`;
  if (topic === '') throw invalidArgument('event envelope has empty topic');
  if (!topic.startsWith('/')) throw invalidArgument(`${what}: must start with '/'`);
  if (topic.length === 1) throw invalidArgument(`${what}: must have at least one component`);
  for (const word of topic.slice(1).split('/')) checkIdentifier(word, `${what}: component`);
}
