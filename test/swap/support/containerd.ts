/** containerd with ctr, which names the runtime in each command. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ociArchive } from './image.ts';
import { type RecordedRuntime, recordedRuntime } from './runtime.ts';
import { type Answer, eventually, type RunOptions, type Sandbox, sandboxWith } from './sandbox.ts';

export const IMAGE = 'docker.io/library/busybox:latest';

export interface Containerd {
  place: Sandbox;
  runtime: RecordedRuntime;
  /** Ends containerd, waits until it is gone, and starts it again. */
  restart(): Promise<void>;
}

/**
 * @param config text of config.toml, for the runtime
 */
export const containerd = (config: (runtime: string) => string): Promise<Containerd> =>
  sandboxWith(async (place) => {
    const runtime = recordedRuntime(place);
    const file = join(place.folder, 'config.toml');
    writeFileSync(file, config(runtime.path));
    const start = () => place.daemon('containerd', ['containerd', '-c', file], ['ctr', 'version']);
    let daemon = await start();
    const imported = await place.run(['ctr', 'images', 'import', ociArchive(place.folder, IMAGE)]);
    if (imported.code !== 0) throw new Error(`ctr images import: ${imported.err}`);
    return {
      place,
      runtime,
      async restart() {
        // All that pkill can see are the processes of the sandbox.
        await place.run(['pkill', '-x', 'containerd']);
        await eventually('containerd ends', () => daemon.exitCode !== null);
        daemon = await start();
      },
    };
  });

/** ctr for the tests of one file. */
export function ctrFor(start: () => Promise<Containerd>) {
  let running: Containerd | undefined;
  beforeAll(async () => {
    running = await start();
  });
  afterAll(async () => {
    await running?.place.end();
  });
  const engine = (): Containerd => {
    if (!running) throw new Error('containerd did not start');
    return running;
  };
  const ctr = (args: string[], options?: RunOptions): Promise<Answer> => engine().place.run(['ctr', ...args], options);
  const ok = async (args: string[], options?: RunOptions): Promise<string> => {
    const answer = await ctr(args, options);
    if (answer.code !== 0) throw new Error(`ctr ${args.join(' ')}: exit code ${answer.code}: ${answer.err.trim()}`);
    return answer.out.trimEnd();
  };
  /** `ctr run` on the runtime under test. */
  const runArgs = (options: string[], id: string, command: string[]): string[] => [
    'run',
    '--runc-binary',
    engine().runtime.path,
    ...options,
    IMAGE,
    id,
    ...command,
  ];
  return { engine, ctr, ok, runArgs };
}
