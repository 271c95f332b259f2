/** A container made in this process, without the command line: for tests of programs and engines. */
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ended, RunRequest } from '../../../src/runc/container/request.ts';
import { runContainer } from '../../../src/runc/container/run.ts';
import { TYPICAL_HOST } from '../../../src/runc/host/facts.ts';
import { probeHost } from '../../../src/runc/host/probe.ts';
import type { Config } from '../../../src/runc/spec/config.ts';
import { defaultConfig } from '../../../src/runc/spec/default-config.ts';
import { BUSYBOX } from './minirun.ts';

export const newId = (): string => randomBytes(16).toString('hex');

/** The config of a plain `minirun run` of the busybox fixture. */
export function plainConfig(args: string[], id = newId()): Config {
  const { cgroup, arch, kernel } = process.platform === 'linux' ? probeHost({ ociVersion: '1.2.0' }) : TYPICAL_HOST;
  return defaultConfig({ id, rootfs: BUSYBOX, args, terminal: false, cgroup, arch, kernel });
}

export interface BoxAnswer extends Ended {
  out: string;
  err: string;
  warnings: string[];
}

/** Runs it with its output in files. */
export async function run(config: Config, request: Partial<RunRequest> = {}): Promise<BoxAnswer> {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-box-'));
  const stdin = openSync('/dev/null', 'r');
  const stdout = openSync(join(folder, 'out'), 'w');
  const stderr = openSync(join(folder, 'err'), 'w');
  const warnings: string[] = [];
  const id = request.id ?? newId();
  try {
    const ended = await runContainer(
      {
        stateRoot: join(folder, 'state'),
        id,
        name: id.slice(0, 12),
        config,
        bundle: '/',
        engine: 'native',
        remove: true,
        warn: (sentence) => warnings.push(sentence),
        ...request,
      },
      { stdin, stdout, stderr },
    );
    return { ...ended, warnings, out: readFileSync(join(folder, 'out'), 'utf8'), err: readFileSync(join(folder, 'err'), 'utf8') };
  } finally {
    for (const fd of [stdin, stdout, stderr]) closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  }
}
