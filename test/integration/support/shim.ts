/** The Task service in this process, with containers of the busybox fixture and fifos as containerd makes them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { type Client, createClient, createRouterTransport } from '@connectrpc/connect';
import { OptionsSchema } from '../../../src/proto/containerd/runc/options_pb.ts';
import { type CreateTaskRequest, CreateTaskRequestSchema, Task } from '../../../src/proto/containerd/task/v2/task_pb.ts';
import { MountSchema } from '../../../src/proto/containerd/types/mount_pb.ts';
import type { Config } from '../../../src/runc/spec/config.ts';
import { cleanUp } from '../../../src/shim/task/clean-up.ts';
import { taskService } from '../../../src/shim/task/service.ts';
import { newId, plainConfig } from './box.ts';
import { BUSYBOX } from './minirun.ts';

/** What a test may ask for beside the bundle. */
type More = Partial<Omit<CreateTaskRequest, '$typeName' | '$unknown'>>;

export interface Told {
  topic: string;
  event: Record<string, unknown>;
}

export interface Bench {
  folder: string;
  stateRoot: string;
  task: Client<typeof Task>;
  /** The events, in their order. */
  told: Told[];
  topics(id: string): string[];
  logged: string[];
  emptied: () => boolean;
  /** A bundle with this config, changed by `alter`; its id is the last part. */
  bundle(args: string[], alter?: (config: Config) => void): { id: string; bundle: string };
  /** Create's request for a bundle: the busybox fixture, read-only and shared, below a layer of the container's own. */
  request(at: { id: string; bundle: string }, more?: More): CreateTaskRequest;
  fifos(...names: ('stdin' | 'stdout' | 'stderr')[]): Record<string, string>;
  /** Options as an Any. */
  options(options: MessageInitShape<typeof OptionsSchema>): Any;
  /** Takes away what tests that failed have left. */
  close(): Promise<void>;
}

/** A mount without options. */
export const mountOf = (type: string, source: string) => create(MountSchema, { type, source });

/** The process of an exec, as containerd's clients send it. */
export const processSpec = (args: string[], more: object = {}) =>
  create(AnySchema, {
    typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
    value: Buffer.from(JSON.stringify({ args, cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, ...more })),
  });

/** What a reader of a fifo has got so far; `end` resolves with all of it at its end. */
export interface Reader {
  text(): string;
  bytes(): Buffer;
  end: Promise<Buffer>;
  process: ChildProcess;
}

/** Reads a fifo in a process of its own, as a daemon does. */
export function reader(path: string): Reader {
  const process = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  process.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const end = new Promise<Buffer>((resolve) => process.on('close', () => resolve(Buffer.concat(chunks))));
  return { text: () => Buffer.concat(chunks).toString(), bytes: () => Buffer.concat(chunks), end, process };
}

/** Opens the fifo, writes, and lets go. */
export function write(path: string, text: string): void {
  const fd = openSync(path, 'w');
  writeSync(fd, text);
  closeSync(fd);
}

export async function until(what: string, holds: () => boolean, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !holds(); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
}

export function openBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-shim-'));
  const told: Told[] = [];
  const logged: string[] = [];
  const made: { id: string; bundle: string }[] = [];
  let emptied = false;
  const stateRoot = join(folder, 'state');
  const service = taskService({
    namespace: 'test',
    runtimeRoot: stateRoot,
    version: '0',
    publish: (topic, _schema, event) => told.push({ topic, event: event as unknown as Record<string, unknown> }),
    log: (sentence) => logged.push(sentence),
    onEmpty: () => {
      emptied = true;
    },
  });
  const task = createClient(
    Task,
    createRouterTransport((router) => void router.service(Task, service)),
  );
  const ofContainer = (id: string) => told.filter(({ event }) => event.containerId === id);
  return {
    folder,
    stateRoot,
    task,
    told,
    logged,
    topics: (id) => ofContainer(id).map(({ topic }) => topic.replace('/tasks/', '')),
    emptied: () => emptied,
    bundle(args, alter) {
      const id = newId();
      const bundle = join(folder, id);
      const config = plainConfig(args, id);
      config.root = { path: 'rootfs' };
      alter?.(config);
      for (const name of ['rootfs', 'upper', 'work']) mkdirSync(join(bundle, name), { recursive: true });
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
      made.push({ id, bundle });
      return { id, bundle };
    },
    request: ({ id, bundle }, more = {}) => {
      const options = [`lowerdir=${BUSYBOX}`, `upperdir=${bundle}/upper`, `workdir=${bundle}/work`];
      return create(CreateTaskRequestSchema, { id, bundle, rootfs: [{ type: 'overlay', source: 'overlay', options }], ...more });
    },
    fifos(...names) {
      const base = join(folder, newId());
      const paths = Object.fromEntries(names.map((name) => [name, `${base}-${name}`]));
      spawnSync('mkfifo', Object.values(paths));
      return paths;
    },
    options: (options) =>
      create(AnySchema, { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, create(OptionsSchema, options)) }),
    async close() {
      for (const { id, bundle } of made)
        await cleanUp({ id, bundle, namespace: 'test', runtimeRoot: stateRoot, log: (sentence) => console.log(sentence) });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
