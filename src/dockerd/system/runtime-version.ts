/** Which runtime containers get that do not choose one, and its version: asked of a program, known of our own. */
import { execFile } from 'node:child_process';
import type { DaemonOptions } from '../options.ts';
import { DAEMON_VERSION } from '../version.ts';
import { COMMIT } from './build.ts';

export interface RuntimeVersion {
  /** Of the program. */
  name: string;
  version: string;
  commit: string;
}

const OURS: RuntimeVersion = { name: 'minirun-runc', version: DAEMON_VERSION, commit: COMMIT };

/** A program that does not answer is not waited for; milliseconds. */
const PATIENCE = 2000;

/** `runc version 1.1.5` and `commit: v1.1.5-0-gf19387a`, each on a line; the runtime command line interface of OCI. */
export const parseVersion = (text: string): Pick<RuntimeVersion, 'version' | 'commit'> => ({
  version: /\bversion:? (\S+)/.exec(text)?.[1] ?? '',
  commit: /^commit: (\S+)/m.exec(text)?.[1] ?? '',
});

/** Never throws: a runtime that cannot be started has no version. */
export function runtimeVersion({ runtimes, defaultRuntime }: Pick<DaemonOptions, 'runtimes' | 'defaultRuntime'>): Promise<RuntimeVersion> {
  const path = runtimes[defaultRuntime]?.path ?? (defaultRuntime === 'runc' ? 'runc' : undefined);
  if (path === undefined) return Promise.resolve(OURS);
  return new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: PATIENCE, maxBuffer: 64 << 10 }, (_error, stdout) =>
      resolve({ name: defaultRuntime, ...parseVersion(stdout) }),
    );
  });
}
