/** What is explained without being run: it need not be there. */
import { resolve } from 'node:path';
import { RootfsError } from '../runc/rootfs/archive-tree.ts';
import { kindOfRootfs } from '../runc/rootfs/open-rootfs.ts';
import type { Context } from './command.ts';
import type { Subject } from './gather-facts.ts';
import type { RunOptions } from './run-options.ts';

/** Stands for the id that a real run makes up; always the same, so that two explanations can be compared. */
export const EXAMPLE_ID = 'example'.padEnd(12, '0');

/** The rootfs may be missing: a reader on another machine has none. */
export async function subjectOf(options: RunOptions, context: Context): Promise<Subject> {
  const rootfs = resolve(options.rootfs);
  const needsState = [options.network, options.pid, options.ipc].some((c) => c?.kind === 'container');
  return { id: options.name ?? EXAMPLE_ID, rootfs, kind: kind(rootfs), stateRoot: needsState ? await context.stateRoot() : '' };
}

function kind(rootfs: string): Subject['kind'] {
  try {
    return kindOfRootfs(rootfs);
  } catch (error) {
    if (error instanceof RootfsError) return 'missing';
    throw error;
  }
}
