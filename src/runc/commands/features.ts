/** `minirun-runc features`: what this runtime can do, as JSON (runtime-spec, features.md). */
import { writeSync } from 'node:fs';
import { release } from 'node:os';
import { kernelVersion } from '../host/probe.ts';
import { features } from '../spec/features.ts';
import type { Command } from './command.ts';

export const command: Command = {
  synopsis: '',
  options: {},
  operands: [0, 0],
  run() {
    writeSync(1, `${JSON.stringify(features({ kernel: kernelVersion(release()) }), null, 4)}\n`);
    return 0;
  },
};
