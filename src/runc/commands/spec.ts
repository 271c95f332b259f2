/** `minirun-runc spec`: a config.json to begin with. */
import { statfsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { exampleConfig } from '../spec/example-config.ts';
import { textOf } from './arguments.ts';
import type { Command } from './command.ts';

/** CGROUP2_SUPER_MAGIC of linux/magic.h */
const CGROUP2 = 0x63677270;

/** True where /sys/fs/cgroup is version 2: there a container gets a cgroup namespace, as its mount needs one. */
function isUnified(): boolean {
  try {
    return statfsSync('/sys/fs/cgroup').type === CGROUP2;
  } catch {
    return false;
  }
}

export const command: Command = {
  synopsis: '',
  options: {
    bundle: { short: 'b', value: 'DIR', help: 'where it is written (default: the current folder)' },
    rootless: { help: 'for an ordinary user: a user namespace, and nothing that needs privileges' },
  },
  operands: [0, 0],
  run(args) {
    process.chdir(resolve(textOf(args, 'bundle') ?? '.'));
    const rootless = args.options.rootless === true ? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 } : undefined;
    try {
      writeFileSync('config.json', JSON.stringify(exampleConfig({ rootless, cgroupNamespace: isUnified() }), null, '\t'), {
        flag: 'wx',
        mode: 0o666,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new Error('File config.json exists. Remove it first');
      throw error;
    }
    return 0;
  },
};
