import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { openExchange } from '../../../src/containerd/events/exchange.ts';
import { TaskExitSchema } from '../../../src/proto/containerd/events/task_pb.ts';
import type { Envelope } from '../../../src/proto/containerd/services/events/v1/events_pb.ts';

const exit = (id: string, exitStatus = 0) => create(TaskExitSchema, { containerId: id, id, exitStatus });

async function take(events: AsyncIterable<Envelope>, count: number): Promise<Envelope[]> {
  const found: Envelope[] = [];
  for await (const envelope of events) if (found.push(envelope) === count) break;
  return found;
}

test('events come in order, from the moment of the subscription on, to whom they concern', async () => {
  const exchange = openExchange();
  const { signal } = new AbortController();
  exchange.publish('a', '/tasks/exit', TaskExitSchema, exit('before'));
  const all = exchange.subscribe([], signal);
  const some = exchange.subscribe(['event.container_id==two', 'topic=="/other",namespace==b'], signal);
  exchange.publish('a', '/tasks/exit', TaskExitSchema, exit('one'));
  exchange.publish('a', '/tasks/exit', TaskExitSchema, exit('two', 3));
  exchange.publish('b', '/other', TaskExitSchema, exit('three'));
  expect((await take(all, 3)).map(({ namespace, topic }) => `${namespace}${topic}`)).toEqual(['a/tasks/exit', 'a/tasks/exit', 'b/other']);
  const [second, third] = await take(some, 2);
  expect([second?.namespace, third?.namespace]).toEqual(['a', 'b']);
  // containerd's types have no host before their name.
  expect(second?.event?.typeUrl).toBe('containerd.events.TaskExit');
});

test('a subscription ends with its signal; one that does not read is told so, and holds nobody up', async () => {
  const exchange = openExchange();
  const ending = new AbortController();
  const waiting = take(exchange.subscribe([], ending.signal), 1);
  ending.abort();
  expect(await waiting).toEqual([]);
  const slow = exchange.subscribe([], new AbortController().signal);
  for (let n = 0; n <= 65_536; n++) exchange.send('a', '/t', { typeUrl: 'x', value: new Uint8Array() });
  await expect(take(slow, 1)).rejects.toThrow(/behind/);
});

test.each([
  ['', '/t', /identifier must not be empty/],
  ['a', 'tasks', /must start with '\/'/],
  ['a', '/', /at least one component/],
  ['a', '/a//b', /identifier must not be empty/],
])('an event of namespace "%s" and topic "%s" is refused', (namespace, topic, text) => {
  expect(() => openExchange().send(namespace, topic, { typeUrl: 'x', value: new Uint8Array() })).toThrow(text);
});
