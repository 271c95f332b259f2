/** Short forms of what every test types. */
import type { Client } from '../engine.ts';

export const NOT_FOUND = /executable file not found in \$PATH|no such file or directory/i;

export interface Everyday extends Client {
  isDocker: boolean;
  /** `running 0`, `exited 137`: state and exit code. */
  running(container: string): Promise<string>;
  /** The words that remove at once; podman would first wait for the command to end by itself. */
  FORCE: string[];
  remove(container: string): Promise<unknown>;
  /** A container that idles while `body` runs, and is removed whatever happens. */
  idling(container: string, options: string[], body: () => Promise<void>, command?: string[]): Promise<void>;
  /** What a shell script prints in a container of its own. */
  inside(script: string, ...options: string[]): Promise<string>;
}

export function everydayCommands(name: 'docker' | 'podman', client: Client): Everyday {
  const { cli, ok } = client;
  const isDocker = name === 'docker';
  const FORCE = isDocker ? ['rm', '-f'] : ['rm', '-f', '-t', '0'];
  const remove = (container: string) => cli([...FORCE, container]);
  return {
    ...client,
    isDocker,
    FORCE,
    remove,
    running: (container) => ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', container]),
    async idling(container, options, body, command = ['sleep', '1000']) {
      try {
        await ok(['run', '-d', '--name', container, '--network', 'none', ...options, 'busybox', ...command]);
        await body();
      } finally {
        await remove(container);
      }
    },
    inside: (script, ...options) => ok(['run', '--rm', '--network', 'none', ...options, 'busybox', 'sh', '-c', script]),
  };
}
