/** minirund beside the real dockerd in one sandbox: the same docker command to both. */
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Answer, RunOptions, Sandbox } from './sandbox.ts';
import { hasProgram } from './sandbox.ts';

const MINIRUND = resolve(import.meta.dirname, '../../../bin/minirund');

export interface DockerDaemon {
  name: 'dockerd' | 'minirund';
  /** Where its client keeps credentials. */
  home: string;
  socket: string;
  docker(args: string[], options?: RunOptions): Promise<Answer>;
  /** Standard output without the last newline. @throws when the exit code is not 0 */
  ok(args: string[], options?: RunOptions): Promise<string>;
  /** One line of a shell, in which `docker` is this one's. */
  shell(line: string): Promise<Answer>;
}

function client(place: Sandbox, name: DockerDaemon['name'], folder: string, socket: string): DockerDaemon {
  const home = join(place.folder, `home-of-${folder}`);
  mkdirSync(home, { recursive: true });
  const env = { DOCKER_HOST: `unix://${socket}`, HOME: home };
  const docker: DockerDaemon['docker'] = (args, options = {}) =>
    place.run(['docker', ...args], { ...options, env: { ...env, ...options.env } });
  return {
    name,
    home,
    socket,
    docker,
    async ok(args, options) {
      const { code, out, err } = await docker(args, options);
      if (code !== 0) throw new Error(`${name}: docker ${args.join(' ')}: exit code ${code}: ${err.trim() || out.trim()}`);
      return out.trimEnd();
    },
    shell: (line) => place.run(['sh', '-c', line], { env }),
  };
}

/** @param args flags of its own @param name of its folders and its socket, for a second one */
export async function startMinirund(place: Sandbox, args: string[] = [], name = 'minirun'): Promise<DockerDaemon> {
  const socket = `/run/${name}/docker.sock`;
  const folders = ['--data-root', `/var/lib/${name}`, '--exec-root', `/run/${name}`];
  const started = client(place, 'minirund', name, socket);
  await place.daemon(name, [MINIRUND, '-H', `unix://${socket}`, ...folders, ...args], ['docker', '-H', `unix://${socket}`, 'version']);
  return started;
}

/** Why there is no real one to compare with, or undefined. */
export const noDockerd = (): string | undefined => (hasProgram('dockerd') ? undefined : 'needs dockerd');

export async function startDockerd(place: Sandbox, args: string[] = []): Promise<DockerDaemon> {
  const socket = '/run/docker.sock';
  const started = client(place, 'dockerd', 'dockerd', socket);
  const command = ['dockerd', '-H', `unix://${socket}`, '--group', 'root', ...args];
  await place.daemon('dockerd', command, ['docker', '-H', `unix://${socket}`, 'version']);
  return started;
}

/** Why minirund cannot be driven by the real command line here, or undefined. */
export function noMinirund(): string | undefined {
  if (!hasProgram('docker')) return 'needs the docker command line';
  return existsSync(MINIRUND) ? undefined : `needs ${MINIRUND}`;
}
