/** A containerd, the real one or minirun's, with a shim; it can be killed and started again, and is reached from outside. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ContainerdClient, containerdClient, type Pattern } from './containerd-client.ts';
import { ociArchive } from './image.ts';
import { type Answer, answerOf, eventually, type RunOptions, type Sandbox, sandboxWith } from './sandbox.ts';

const BIN = resolve(import.meta.dirname, '../../../bin');
export const IMAGE = 'docker.io/library/busybox:latest';
export type DaemonName = 'containerd' | 'minirun-containerd';
/** The shim's name in a container's record. */
export const RUNTIMES = { ours: 'io.containerd.minirun.v1', runc: 'io.containerd.runc.v2' } as const;

export interface Daemon {
  name: DaemonName;
  place: Sandbox;
  /** Made anew by each start. */
  client(): ContainerdClient;
  /** How containers look here. */
  pattern: Pattern;
  /** Path of the image's archive. */
  archive: string;
  ctr(args: string[], options?: RunOptions): Promise<Answer>;
  /** Standard output of a script that runs in the sandbox. @throws when it fails */
  inside(script: string): Promise<string>;
  /** Ends the daemon, alone, and waits until it is gone. */
  kill(): Promise<void>;
  /** The same when `now` is called, without the time that a program takes to start. */
  arm(): Promise<{ now(): Promise<void> }>;
  /** @returns when it answers */
  start(): Promise<void>;
}

/**
 * @param runtime the shim that containers are given
 * @param seconds after which the daemon is ended; 900 without
 * @param settings more of the environment, which the shim inherits
 */
export const daemonWith = (
  name: DaemonName,
  runtime: keyof typeof RUNTIMES,
  seconds = 900,
  settings: Record<string, string> = {},
): Promise<Daemon> =>
  sandboxWith(async (place) => {
    const folder = join(place.folder, 'shims');
    mkdirSync(folder);
    symlinkSync(join(BIN, 'containerd-shim-minirun-v1'), join(folder, 'containerd-shim-minirun-v1'));
    const socket = join(place.folder, 'containerd.sock');
    const config = join(place.folder, 'config.toml');
    const pidFile = join(place.folder, 'daemon.pid');
    writeFileSync(config, `version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "${socket}"\n`);
    const env = { PATH: `${folder}:${process.env.PATH}`, CONTAINERD_ADDRESS: socket, ...settings };
    const program = name === 'containerd' ? name : join(BIN, name);
    const ctr: Daemon['ctr'] = (args, options) => place.run(['ctr', ...args], { ...options, env: { ...env, ...options?.env } });
    const ok = async (args: string[]) => {
      const answer = await ctr(args);
      if (answer.code !== 0) throw new Error(`ctr ${args.join(' ')}: exit code ${answer.code}: ${answer.err.trim()}`);
    };
    const inside: Daemon['inside'] = async (script) => {
      const answer = await place.run(['bash', '-c', script], { env });
      if (answer.code !== 0) throw new Error(`${script}: exit code ${answer.code}: ${answer.err.trim()}`);
      return answer.out.trimEnd();
    };
    let client: ContainerdClient | undefined;
    const start = async () => {
      const words = ['sh', '-c', `echo $$ > ${pidFile}; exec "$@"`, name, program, '-c', config];
      child = await place.daemon(name, words, ['ctr', 'version'], { env, limit: seconds });
      client = containerdClient(socket, RUNTIMES[runtime]);
    };
    const current = (): ContainerdClient => {
      if (!client) throw new Error(`${name} does not run`);
      return client;
    };
    let child: Awaited<ReturnType<Sandbox['daemon']>>;
    const arm: Daemon['arm'] = async () => {
      const killer = place.start(['bash', '-c', `echo armed; read; kill -KILL ${readFileSync(pidFile, 'utf8').trim()}`]);
      const done = answerOf(killer);
      await new Promise((resolve) => killer.stdout?.once('data', resolve));
      return {
        async now() {
          client = undefined;
          killer.stdin?.end('\n');
          await done;
          await eventually(`${name} ends`, () => child.exitCode !== null || child.signalCode !== null);
        },
      };
    };
    await start();
    const archive = ociArchive(place.folder, IMAGE);
    await ok(['images', 'import', archive]);
    await ok(['containers', 'create', IMAGE, 'pattern', 'sh']);
    const pattern = await current().patternOf('pattern');
    await ok(['containers', 'rm', 'pattern']);
    return {
      name,
      place,
      client: current,
      pattern,
      archive,
      ctr,
      inside,
      start,
      arm,
      async kill() {
        await (await arm()).now();
      },
    };
  });
