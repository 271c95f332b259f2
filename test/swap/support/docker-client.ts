/** The docker command line of this machine. */
import { spawnSync } from 'node:child_process';

/** N of the newest API version, 1.N, that it speaks: 41 for 20.10, 50 for 28.2. */
export function newestApi(): number {
  // Without a daemon it prints its own version all the same.
  const { stdout } = spawnSync('docker', ['version', '--format', '{{.Client.APIVersion}}'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, DOCKER_HOST: 'unix:///nowhere.sock' },
  });
  return Number(/^1\.(\d+)$/m.exec(stdout ?? '')?.[1] ?? 0);
}
