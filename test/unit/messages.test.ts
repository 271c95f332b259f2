import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack, EmptySchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ConnectRouter, createClient, createRouterTransport } from '@connectrpc/connect';
import { afterEach, expect, it } from 'vitest';
import { carriesOf, HIDDEN } from '../../src/messages/carries.ts';
import { crossing } from '../../src/messages/crossing.ts';
import type { Answered, Sent, StoryRecord } from '../../src/messages/message.ts';
import { received } from '../../src/messages/received.ts';
import { recorded } from '../../src/messages/recorded.ts';
import { beginStory, joinStory, storyReader } from '../../src/messages/story-file.ts';
import { isTold, tellNobody, tellTo } from '../../src/messages/teller.ts';
import { TaskCreateSchema } from '../../src/proto/containerd/events/task_pb.ts';
import { ContainerSchema } from '../../src/proto/containerd/services/containers/v1/containers_pb.ts';
import { EnvelopeSchema, Events } from '../../src/proto/containerd/services/events/v1/events_pb.ts';
import { Tasks } from '../../src/proto/containerd/services/tasks/v1/tasks_pb.ts';
import { CreateTaskRequestSchema, Task } from '../../src/proto/containerd/task/v2/task_pb.ts';

afterEach(tellNobody);

function listen(): StoryRecord[] {
  const records: StoryRecord[] = [];
  tellTo((record) => records.push(record), carriesOf);
  return records;
}

const sent = (records: StoryRecord[]) => records.filter((r): r is Sent => r.kind === 'sent');
const answered = (records: StoryRecord[], { id }: Sent) => records.find((r): r is Answered => r.kind === 'answered' && r.id === id);

const TOP = { from: 'minirun', to: 'containerd', protocol: 'gRPC in memory' };
const BELOW = { from: 'containerd', to: 'shim', protocol: 'ttrpc' };

/** A shim that knows one container, and a containerd that asks it. */
const shim = (router: ConnectRouter) =>
  void router.service(Task, {
    async create({ id }) {
      await crossing(
        () => ({ from: 'shim', to: 'runc', protocol: 'a call', name: 'create', carries: { id } }),
        async () => {},
      );
      if (id === 'broken') throw new ConnectError('OCI runtime create failed\nmore', Code.Unknown);
      return { pid: 4711 };
    },
  });
const chain = () => {
  const lower = createClient(Task, recorded(createRouterTransport(received(shim, BELOW)), BELOW));
  const containerd = (router: ConnectRouter) =>
    void router.service(Tasks, {
      async create({ containerId }) {
        const { pid } = await lower.create({ id: containerId });
        return { containerId, pid };
      },
    });
  return createClient(Tasks, recorded(createRouterTransport(received(containerd, TOP)), TOP));
};

it('tells each message once, before it is sent, within the one that it answers', async () => {
  const records = listen();
  await chain().create({ containerId: 'web' });
  const [one, two, three] = sent(records);
  expect(sent(records).map((m) => [m.from, m.to, m.name])).toEqual([
    ['minirun', 'containerd', 'containerd.services.tasks.v1.Tasks/Create'],
    ['containerd', 'shim', 'containerd.task.v2.Task/Create'],
    ['shim', 'runc', 'create'],
  ]);
  expect([one?.within, two?.within, three?.within]).toEqual([undefined, one?.id, two?.id]);
  expect(records.map((r) => (r as Sent).id)).toEqual([one, two, three, three, two, one].map((m) => m?.id));
  expect(answered(records, two as Sent)).toMatchObject({ answer: { pid: 4711 } });
  expect(answered(records, two as Sent)?.ns).toBeGreaterThan(0);
  expect(one?.carries).toEqual({ container_id: 'web' });
});

it('keeps calls at the same time apart', async () => {
  const records = listen();
  const client = chain();
  await Promise.all(['a', 'b', 'c'].map((containerId) => client.create({ containerId })));
  for (const id of ['a', 'b', 'c']) {
    const top = sent(records).find((m) => m.carries.container_id === id);
    const below = sent(records).filter((m) => m.carries.id === id);
    expect(below.map((m) => m.within)).toEqual([top?.id, below[0]?.id]);
  }
});

it('tells of a peer that tells nothing', async () => {
  const records = listen();
  const client = createClient(Task, createRouterTransport(received(shim, BELOW)));
  await client.create({ id: 'web' });
  await expect(client.create({ id: 'broken' })).rejects.toThrow();
  const [one, two, three] = sent(records);
  expect(one).toMatchObject({ ...BELOW, name: 'containerd.task.v2.Task/Create', carries: { id: 'web' } });
  expect(two?.within).toBe(one?.id);
  expect(answered(records, one as Sent)?.answer).toEqual({ pid: 4711 });
  expect(answered(records, three as Sent)?.failure).toContain('OCI runtime create failed');
});

it('tells a failure in one sentence, and passes it on', async () => {
  const records = listen();
  await expect(chain().create({ containerId: 'broken' })).rejects.toThrow('OCI runtime create failed');
  for (const m of sent(records).slice(0, 2)) expect(answered(records, m)?.failure).toBe('[unknown] OCI runtime create failed');
});

it('tells the events of a stream as messages that go the other way', async () => {
  const records = listen();
  const event = anyPack(TaskCreateSchema, create(TaskCreateSchema, { containerId: 'web', pid: 7 }));
  const events = (router: ConnectRouter) =>
    void router.service(Events, {
      async *subscribe() {
        yield create(EnvelopeSchema, { topic: '/tasks/create', event });
        yield create(EnvelopeSchema, { topic: '/tasks/exit' });
      },
    });
  const client = createClient(Events, recorded(createRouterTransport(received(events, TOP)), TOP));
  for await (const { topic } of client.subscribe({})) expect(topic).toMatch(/^\/tasks/);
  const [subscribe, first, second] = sent(records);
  expect(first).toMatchObject({ from: 'containerd', to: 'minirun', carries: { topic: '/tasks/create' } });
  expect(first?.carries.event).toEqual({ 'containerd.events.TaskCreate': { container_id: 'web', pid: 7 } });
  expect(second?.carries).toEqual({ topic: '/tasks/exit' });
  expect(answered(records, subscribe as Sent)?.answer).toEqual({ messages: 2 });
});

it('costs nothing where nobody listens', () => {
  const transport = createRouterTransport(shim);
  expect(recorded(transport, TOP)).toBe(transport);
  expect(received(shim, BELOW)).toBe(shim);
});

it('does not fail what it tells of', async () => {
  tellTo(() => {
    throw new Error('disk full');
  }, carriesOf);
  expect(await chain().create({ containerId: 'web' })).toMatchObject({ pid: 4711 });
  expect(isTold()).toBe(false);
});

const container = (more: object) => carriesOf(ContainerSchema, create(ContainerSchema, { id: 'web', ...more }));

it('never tells secrets, nor the environment', () => {
  const spec = {
    typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec',
    value: Buffer.from(
      JSON.stringify({
        process: { args: ['sh', '-c', 'true'], env: ['PASSWORD=hunter2'] },
      }),
    ),
  };
  const told = container({
    labels: { 'registry.token': 'hunter2', DB_PASSWORD: 'hunter2', Authorization: 'Bearer hunter2', colour: 'blue' },
    image: 'https://joe:hunter2@registry.example/web?signature=hunter2',
    spec,
  });
  expect(JSON.stringify(told)).not.toContain('hunter2');
  expect(told).toMatchObject({
    labels: { 'registry.token': HIDDEN, colour: 'blue' },
    image: 'https://…@registry.example/web?…',
    spec: { 'config.json': `${spec.value.length} bytes`, args: ['sh', '-c', 'true'] },
  });
});

it('shortens what is long, opens what it knows, and counts the rest', () => {
  const many = carriesOf(
    CreateTaskRequestSchema,
    create(CreateTaskRequestSchema, {
      id: 'x'.repeat(1000),
      rootfs: Array.from({ length: 20 }, (_, i) => ({ type: 'bind', source: `/${i}` })),
      options: { typeUrl: 'example.com/unknown.Type', value: new Uint8Array(77) },
    }),
  );
  expect(String(many.id)).toHaveLength(201);
  expect(many.rootfs).toHaveLength(9);
  expect((many.rootfs as unknown[]).at(-1)).toBe('… 12 more');
  expect(many.options).toBe('unknown.Type, 77 bytes');
  expect(container({ createdAt: timestampFromMs(0) }).created_at).toBe('1970-01-01T00:00:00.000Z');
  // Bytes that are not what their type says.
  const broken = { typeUrl: 'containerd.events.TaskCreate', value: Uint8Array.of(255, 255) };
  expect(container({ spec: broken }).spec).toBe('containerd.events.TaskCreate, 2 bytes');
  expect(carriesOf(EmptySchema, create(EmptySchema))).toEqual({});
  expect(toBinary(EmptySchema, create(EmptySchema))).toHaveLength(0);
});

it('is one file for all processes, which others cannot read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-story-'));
  try {
    const path = join(folder, 'story');
    const look = { format: 'text', width: 90, colour: false, numbers: false } as const;
    const story = beginStory(path, look);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const reader = storyReader(path);
    expect(reader.read()).toEqual([{ kind: 'story', ...look }]);
    // Another process would do this with its environment.
    expect(joinStory({ MINIRUN_STORY: path })).toEqual({ kind: 'story', ...look });
    writeFileSync(path, '{"kind":"step","at":1}\n{"kind":"st', { flag: 'a' });
    expect(reader.read()).toEqual([{ kind: 'step', at: 1 }]);
    writeFileSync(path, 'ep","at":2}\nnot JSON\n', { flag: 'a' });
    expect(reader.read()).toEqual([{ kind: 'step', at: 2 }]);
    reader.close();
    story.close();
    expect(() => beginStory(path, look)).toThrow('EEXIST');
    // Neither a file that is no story, nor one that is not there, is written to.
    const other = join(folder, 'other');
    writeFileSync(other, 'mine\n');
    expect(joinStory({ MINIRUN_STORY: other })).toBeUndefined();
    expect(joinStory({ MINIRUN_STORY: join(folder, 'missing') })).toBeUndefined();
    expect(existsSync(join(folder, 'missing'))).toBe(false);
    expect(readFileSync(other, 'utf8')).toBe('mine\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
