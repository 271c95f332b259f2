/** An engine with a command line like Docker's. */
import { afterAll, beforeAll } from 'vitest';
import type { RecordedRuntime } from './runtime.ts';
import type { Answer, RunOptions, Sandbox } from './sandbox.ts';
import { type Terminal, terminal } from './terminal.ts';
import { undoFailed } from './undo-failed.ts';

export interface Engine {
  name: 'docker' | 'podman';
  place: Sandbox;
  runtime: RecordedRuntime;
  /** Words before each command: the client and its global options. */
  client: string[];
  env: Record<string, string>;
  /** Ends the daemon, if there is one, and starts it again with more environment, which its shims and runtimes inherit. */
  restart(env?: Record<string, string>): Promise<void>;
  end(): Promise<void>;
}

/** The engine's commands, for tests of one file: started before the first, ended after the last. */
export interface Client {
  engine(): Engine;
  /** Any exit code. */
  cli(args: string[], options?: RunOptions): Promise<Answer>;
  /** Standard output, without the last newline. @throws when the exit code is not 0 */
  ok(args: string[], options?: RunOptions): Promise<string>;
  terminal(args: string[], size?: [number, number]): Terminal;
  /** Runtime calls while `during` ran. */
  callsOf(during: () => Promise<unknown>): Promise<string[]>;
}

export function client(start: () => Promise<Engine>): Client {
  let running: Engine | undefined;
  beforeAll(async () => {
    running = await start();
  });
  afterAll(async () => {
    await running?.end();
  });
  const engine = (): Engine => {
    if (!running) throw new Error('the engine did not start');
    return running;
  };
  const cli: Client['cli'] = (args, options = {}) => {
    const { place, client: words, env } = engine();
    return place.run([...words, ...args], { ...options, env: { ...env, ...options.env } });
  };
  const undoable = { docker: (args: string[]) => cli(args) };
  undoFailed(() => [undoable]);
  return {
    engine,
    cli,
    async ok(args, options) {
      const answer = await cli(args, options);
      if (answer.code !== 0)
        throw new Error(`${engine().name} ${args.join(' ')}: exit code ${answer.code}: ${answer.err.trim() || answer.out.trim()}`);
      return answer.out.trimEnd();
    },
    terminal: (args, size) => terminal(engine().place, [...engine().client, ...args], size, engine().env),
    async callsOf(during) {
      const before = engine().runtime.calls().length;
      await during();
      return engine().runtime.calls().slice(before);
    },
  };
}
