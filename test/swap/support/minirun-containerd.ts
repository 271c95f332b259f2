/** Our containerd with ctr, and a registry beside it; and the real containerd, to compare with. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ociArchive } from './image.ts';
import { type Answer, eventually, type RunOptions, type Sandbox, sandboxWith } from './sandbox.ts';

export const IMAGE = 'docker.io/library/busybox:latest';
export const OUR_CONTAINERD = resolve(import.meta.dirname, '../../../bin/minirun-containerd');
const REAL_SOCKET = '/run/real/containerd.sock';
export const ROOT = '/var/lib/containerd';

export interface Place {
  sandbox: Sandbox;
  /** An OCI archive of {@link IMAGE}. */
  archive: string;
  /** Ends the daemon with a signal, waits until it is gone. */
  stop(signal: 'KILL' | 'TERM'): Promise<void>;
  /** Starts it (again). */
  start(): Promise<void>;
  /** What the daemon has logged so far. */
  log(): Promise<string>;
}

/** Starts it with containerd's own defaults. */
export const minirunContainerd = (): Promise<Place> =>
  sandboxWith(async (sandbox) => {
    const archive = ociArchive(sandbox.folder, IMAGE);
    let starts = 0;
    let exited: () => boolean = () => true;
    const start = async () => {
      const daemon = await sandbox.daemon(`minirun-containerd-${++starts}`, [OUR_CONTAINERD, '--log-level', 'debug'], ['ctr', 'version']);
      exited = () => daemon.exitCode !== null || daemon.signalCode !== null;
    };
    const stop = async (signal: string) => {
      // All that pkill can see are the processes of the sandbox. Shims have the daemon's name on their command lines too.
      await sandbox.run(['pkill', `-${signal}`, '-f', '^node [^ ]+ -- [^ ]*bin/minirun-containerd']);
      await eventually('the daemon ends', () => exited());
    };
    await start();
    return {
      sandbox,
      archive,
      start,
      stop,
      log: async () => (await sandbox.run(['sh', '-c', `cat ${sandbox.folder}/minirun-containerd-*.log`])).out,
    };
  });

/** The real containerd in the same place, on a socket of its own. @returns the words of ctr that reach it */
export async function realContainerd({ sandbox, archive }: Place): Promise<string[]> {
  const config = join(sandbox.folder, 'real.toml');
  const lines = ['version = 2', 'disabled_plugins = ["io.containerd.grpc.v1.cri"]', 'root = "/var/lib/real"', 'state = "/run/real/state"'];
  writeFileSync(config, `${lines.join('\n')}\n[grpc]\naddress = "${REAL_SOCKET}"\n`);
  await sandbox.daemon('containerd', ['containerd', '-c', config], ['ctr', '-a', REAL_SOCKET, 'version']);
  const words = ['ctr', '-a', REAL_SOCKET];
  const imported = await sandbox.run([...words, 'images', 'import', archive]);
  if (imported.code !== 0) throw new Error(`ctr images import: ${imported.err}`);
  return words;
}

/** A registry on the sandbox's loopback; each request is a line of `folder`/registry.log. @returns its address */
export async function registry({ sandbox }: Place): Promise<string> {
  const config = join(sandbox.folder, 'registry.yml');
  const address = '127.0.0.1:5000';
  const storage = `storage:\n  filesystem: {rootdirectory: ${sandbox.folder}/registry}\n  delete: {enabled: true}`;
  writeFileSync(config, `version: 0.1\nlog: {level: error}\n${storage}\nhttp: {addr: "${address}"}\n`);
  const probe = ['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/5000'];
  await sandbox.daemon('registry', ['docker-registry', 'serve', config], probe);
  return address;
}

/** ctr for the tests of one block. */
export function ctrOn(place: () => Place) {
  const run = (words: string[], options?: RunOptions): Promise<Answer> => place().sandbox.run(words, options);
  const ctr = (args: string[], options?: RunOptions): Promise<Answer> => run(['ctr', ...args], options);
  const ok = async (args: string[], options?: RunOptions): Promise<string> => {
    const answer = await ctr(args, options);
    if (answer.code !== 0) throw new Error(`ctr ${args.join(' ')}: exit code ${answer.code}: ${answer.err.trim()}`);
    return answer.out.trimEnd();
  };
  const inside = async (script: string): Promise<string> => (await run(['sh', '-c', script])).out.trimEnd();
  const status = async (id: string): Promise<string> =>
    new RegExp(`^${id}\\s+\\d+\\s+(\\w+)`, 'm').exec(await ok(['task', 'ls']))?.[1] ?? 'no task';
  const away = async (...ids: string[]) => {
    for (const id of ids) {
      await ctr(['task', 'delete', '-f', id]);
      await ctr(['container', 'rm', id]);
    }
  };
  return { run, ctr, ok, inside, status, away };
}

/** A place for the tests of one file or block, started before them. */
export function placeFor(start: () => Promise<Place>): () => Place {
  let found: Place | undefined;
  beforeAll(async () => {
    found = await start();
  });
  afterAll(async () => {
    await found?.sandbox.end();
  });
  return () => {
    if (!found) throw new Error('minirun-containerd did not start');
    return found;
  };
}
