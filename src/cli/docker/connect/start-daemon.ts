/** minirund on demand: started by the first command that needs it, and gone by itself when nothing is left to do. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from '../../../runc/container/lock.ts';
import { packageRoot } from '../../../runc/engine/installed.ts';
import { listens } from './connect.ts';
import { CommandFailed } from './failed.ts';

/** Without a client and without a container it stays this long. */
const IDLE_SECONDS = 60;
const PATIENCE_MS = 20_000;
const LOOK_MS = 15;

/**
 * Starts it and waits until it listens. Of several clients that start at once, one starts it and
 * the others wait.
 * @throws CommandFailed with the end of its log when it does not come up
 */
export async function startDaemon(socketPath: string): Promise<void> {
  if (process.geteuid?.() !== 0)
    throw new CommandFailed(
      `Cannot connect to the Docker daemon at unix://${socketPath}: it does not run, and only root can start it. ` +
        'Images need it; without root, run a root file system (minirun run ./rootfs), or name a daemon of your own with -H or DOCKER_HOST',
    );
  const folder = join(dirname(socketPath), '.minirund');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const held = lock(folder);
  try {
    if (await listens(socketPath)) return; // another client was faster
    await start(socketPath, join(folder, 'log'));
  } finally {
    if (typeof held === 'object') held.release();
  }
}

async function start(socketPath: string, log: string): Promise<void> {
  writeSync(
    2,
    `minirun: starting minirund, which keeps images and containers; it ends ${IDLE_SECONDS} s after it was needed last (log: ${log})\n`,
  );
  const out = openSync(log, 'w', 0o600);
  const program = join(packageRoot(), 'bin', 'minirund');
  const args = ['--host', `unix://${socketPath}`, '--idle-timeout', String(IDLE_SECONDS)];
  // A session of its own: the terminal's Ctrl-C is not meant for it.
  const child = spawn(program, args, { detached: true, cwd: '/', stdio: ['ignore', out, out] });
  closeSync(out);
  let ended: string | undefined;
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('exit', (code, signal) => {
    ended = `it ended with ${signal ?? `exit code ${code}`}`;
  });
  for (const end = Date.now() + PATIENCE_MS; !(await listens(socketPath)); await sleep(LOOK_MS)) {
    if (ended !== undefined || Date.now() > end) {
      const last = readFileSync(log, 'utf8').trim().split('\n').slice(-3).join('\n');
      throw new CommandFailed(
        `minirund does not come up: ${ended ?? `it does not listen after ${PATIENCE_MS / 1000} s`}${last && `\n${last}`}`,
      );
    }
  }
  child.unref();
}
