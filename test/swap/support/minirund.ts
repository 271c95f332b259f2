/** minirund, or the real dockerd, in a sandbox of its own, with an image called busybox; driven by the docker command line. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BUSYBOX_TAR } from './runtime.ts';
import { type Answer, answerOf, eventually, type RunOptions, type Sandbox, sandboxWith } from './sandbox.ts';
import { type Typed, typeAll } from './transcript.ts';

/** As much as a person reads. */
const LOG_LINES = 60;
const BIN = resolve(import.meta.dirname, '../../../bin');
/** Seen from inside and outside alike. */
const socketOf = (place: Sandbox): string => join(place.folder, 'docker.sock');

export interface DockerDaemon {
  name: 'minirund' | 'dockerd';
  place: Sandbox;
  /** A unix socket that this process can connect to. */
  socket: string;
  /** For programs in the sandbox that look for a daemon. */
  env: Record<string, string>;
  /** The docker command. Any exit code. */
  docker(args: string[], options?: RunOptions): Promise<Answer>;
  /** Its standard output without the last newline. @throws when the exit code is not 0 */
  ok(args: string[], options?: RunOptions): Promise<string>;
  /** Shell commands one after the other; `docker` is the client of this daemon. */
  type(commands: readonly string[], seconds?: number): Promise<Typed[]>;
  /** What a shell script prints in the sandbox. @throws when it fails */
  inside(script: string): Promise<string>;
  /** In the sandbox. */
  pid(): number;
  /** Sends a signal, and waits for the end. */
  stop(signal: 'TERM' | 'KILL'): Promise<void>;
  /** The same when `now` is called, without the time that a program takes to start. */
  arm(): Promise<{ now(): Promise<void> }>;
  /** @returns when it answers */
  start(): Promise<void>;
  /** What it has logged since its last start; the end of it. */
  log(): string;
}

export interface DaemonSettings {
  /** Further flags. */
  flags?: string[];
  /** More of the environment, which shims inherit. */
  env?: Record<string, string>;
  /** Before the first start. */
  prepare?(place: Sandbox): Promise<void>;
  /** Without it there is an image called busybox. */
  empty?: boolean;
}

const COMMANDS: Record<DockerDaemon['name'], (socket: string) => string[]> = {
  minirund: (socket) => [join(BIN, 'minirund'), '-H', `unix://${socket}`, '-D'],
  // Without the bridge: what needs no network is compared, and a start takes half the time.
  dockerd: (socket) => ['dockerd', '-H', `unix://${socket}`, '--group', 'root', '--bridge', 'none', '--live-restore'],
};

export const dockerDaemon = (name: DockerDaemon['name'], settings: DaemonSettings = {}): Promise<DockerDaemon> =>
  sandboxWith(async (place) => {
    const socket = socketOf(place);
    const pidFile = join(place.folder, 'daemon.pid');
    const env = { DOCKER_HOST: `unix://${socket}` };
    await settings.prepare?.(place);
    const docker: DockerDaemon['docker'] = (args, options = {}) =>
      place.run(['docker', ...args], { ...options, env: { ...env, ...options.env } });
    const ok: DockerDaemon['ok'] = async (args, options) => {
      const answer = await docker(args, options);
      if (answer.code !== 0)
        throw new Error(`${name}: docker ${args.join(' ')}: exit code ${answer.code}: ${answer.err.trim() || answer.out.trim()}`);
      return answer.out.trimEnd();
    };
    const inside: DockerDaemon['inside'] = async (script) => {
      const answer = await place.run(['bash', '-c', script], { env });
      if (answer.code !== 0) throw new Error(`${script}: exit code ${answer.code}: ${answer.err.trim()}`);
      return answer.out.trimEnd();
    };
    const pid = () => Number(readFileSync(pidFile, 'utf8'));
    let child: Awaited<ReturnType<Sandbox['daemon']>>;
    const start = async () => {
      const words = ['sh', '-c', `echo $$ > ${pidFile}; exec "$@"`, name, ...COMMANDS[name](socket), ...(settings.flags ?? [])];
      child = await place.daemon(name, words, ['docker', 'version'], { env: { ...env, ...settings.env } });
    };
    const gone = () => eventually(`${name} ends`, () => child.exitCode !== null || child.signalCode !== null);
    const arm: DockerDaemon['arm'] = async () => {
      const killer = place.start(['bash', '-c', `echo armed; read; kill -KILL ${pid()}`]);
      const done = answerOf(killer);
      await new Promise((armed) => killer.stdout?.once('data', armed));
      return {
        async now() {
          killer.stdin?.end('\n');
          await done;
          await gone();
        },
      };
    };
    await start();
    if (!settings.empty) await ok(['import', '--change', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox']);
    return {
      name,
      place,
      socket,
      env,
      docker,
      ok,
      type: (commands, seconds) => typeAll(place, commands, env, seconds),
      inside,
      pid,
      async stop(signal) {
        await inside(`kill -${signal} ${pid()}`);
        await gone();
      },
      arm,
      start,
      log: () =>
        readFileSync(join(place.folder, `${name}.log`), 'utf8')
          .split('\n')
          .slice(-LOG_LINES)
          .join('\n'),
    };
  });
