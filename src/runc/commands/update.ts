/** `minirun-runc update`: new limits for a container that runs. */
import { readFileSync } from 'node:fs';
import { statusOf } from '../container/oci-state.ts';
import { updateContainer } from '../container/update.ts';
import { kernelMemoryWarning, resourcesFromFlags, resourcesFromJson, UPDATE_FLAGS } from '../spec/resources.ts';
import { type OptionSpecs, textOf } from './arguments.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

const LIMITS: OptionSpecs = Object.fromEntries(
  Object.entries(UPDATE_FLAGS).map(([name, { part, key }]) => [name, { value: 'VALUE', help: `linux.resources.${part}.${key}` }]),
);
const RDT = ['l3-cache-schema', 'mem-bw-schema'];

export const command: Command = {
  synopsis: '<container-id>',
  description: 'Limits that are not named stay as they are. With --resources the other options are ignored.',
  options: {
    resources: { short: 'r', value: 'FILE', help: 'linux.resources as JSON; - for standard input' },
    ...LIMITS,
    'l3-cache-schema': { value: 'TEXT', help: 'Intel RDT: the L3 cache schema' },
    'mem-bw-schema': { value: 'TEXT', help: 'Intel RDT: the memory bandwidth schema' },
  },
  operands: [1, 1],
  run(args, context) {
    const view = containerOf(context.root, args.operands[0]);
    if (statusOf(view) === 'stopped') throw new Error('container not running');
    const file = textOf(args, 'resources');
    const given = Object.fromEntries(Object.entries(args.options).filter((e): e is [string, string] => typeof e[1] === 'string'));
    const rdt = RDT.find((name) => given[name] !== undefined);
    if (file === undefined && rdt)
      throw new Error(`--${rdt}: this container has no intelRdt in its config, so there is no class of service to change`);
    const change = file === undefined ? resourcesFromFlags(given) : resourcesFromJson(readFileSync(file === '-' ? 0 : file, 'utf8'), file);
    const ignored = kernelMemoryWarning(change);
    if (ignored) context.warn(ignored);
    updateContainer(view, change, { warn: context.warn, ...(context.observer ? { observer: context.observer } : {}) });
    return 0;
  },
};
