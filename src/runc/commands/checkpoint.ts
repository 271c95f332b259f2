/** `minirun-runc checkpoint`: saves a running container with criu. */
import { checkpoint } from '../checkpoint/checkpoint.ts';
import { statusOf } from '../container/oci-state.ts';
import { type Arguments, textOf, UsageError } from './arguments.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';
import { CRIU_OPTIONS, imagePaths, sharedChoices, warnRootless } from './criu-options.ts';

function pageServerOf(args: Arguments): { address: string; port: number } | undefined {
  const text = textOf(args, 'page-server');
  if (!text) return undefined;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (!address || !port || Number(port) > 65535) throw new Error(`Use --page-server ADDRESS:PORT to specify page server, not ${text}`);
  return { address, port: Number(port) };
}

function statusFdOf(args: Arguments): number | undefined {
  const text = textOf(args, 'status-fd');
  if (text === undefined || text === '-1') return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -status-fd`);
  return Number(text);
}

export const command: Command = {
  synopsis: '<container-id>',
  description: 'The container is deleted once it is saved, unless --leave-running or --pre-dump is given.',
  options: {
    ...CRIU_OPTIONS,
    'parent-path': { value: 'DIR', help: 'folder of an earlier --pre-dump, relative to the image path: only what has changed is written' },
    'leave-running': { help: 'let the container go on' },
    'tcp-skip-in-flight': { help: 'TCP connections that are being made are left out' },
    'status-fd': { value: 'N', help: 'gets a NUL byte once the pages can be fetched, with --lazy-pages' },
    'page-server': { value: 'ADDRESS:PORT', help: 'where the memory is sent to, instead of into files' },
    'pre-dump': { help: 'save memory alone, for a later checkpoint with --parent-path, and let the container go on' },
  },
  operands: [1, 1],
  run(args, context) {
    warnRootless(context, 'checkpoint');
    const view = containerOf(context.root, args.operands[0]);
    const status = statusOf(view);
    if (status !== 'running' && status !== 'paused') throw new Error(`Container cannot be checkpointed in ${status} state`);
    checkpoint(view, {
      ...sharedChoices(args),
      criu: context.criu,
      paths: imagePaths(args),
      leaveRunning: args.options['leave-running'] === true,
      preDump: args.options['pre-dump'] === true,
      tcpSkipInFlight: args.options['tcp-skip-in-flight'] === true,
      pageServer: pageServerOf(args),
      statusFd: statusFdOf(args),
      warn: context.warn,
    });
    return 0;
  },
};
