/** Options that checkpoint and restore share. */
import { resolve } from 'node:path';
import type { ImagePaths } from '../checkpoint/images.ts';
import type { SharedChoices } from '../checkpoint/options.ts';
import { type Arguments, type OptionSpecs, textOf } from './arguments.ts';
import type { Context } from './command.ts';

export const CRIU_OPTIONS: OptionSpecs = {
  'image-path': { value: 'DIR', help: 'folder of the image files (default: checkpoint in the current folder)' },
  'work-path': { value: 'DIR', help: 'folder of logs and other files of the work (default: that of the images)' },
  'tcp-established': { help: 'TCP connections that are open are saved and restored' },
  'ext-unix-sk': { help: 'the container may be connected to unix sockets outside of it' },
  'shell-job': { help: 'the container may use a terminal that is not its own' },
  'lazy-pages': { help: 'memory is fetched when it is used first (userfaultfd)' },
  'file-locks': { help: 'locks on files are saved and restored' },
  'manage-cgroups-mode': { value: 'MODE', help: 'what criu does with cgroups: soft (default), full, strict or ignore' },
  'empty-ns': { value: 'NAMESPACE', many: true, help: 'network: made, but not what is in it; that is so anyway' },
  'auto-dedup': { help: 'free the pages of earlier images that a later one has' },
};

export const imagePaths = (args: Arguments): ImagePaths => {
  const work = textOf(args, 'work-path');
  return {
    images: resolve(textOf(args, 'image-path') || 'checkpoint'),
    work: work ? resolve(work) : undefined,
    parent: textOf(args, 'parent-path') || undefined,
  };
};

/** @throws Error for a namespace that cannot be left empty */
export function sharedChoices(args: Arguments): SharedChoices {
  const other = args.lists['empty-ns']?.find((name) => name !== 'network');
  if (other !== undefined) throw new Error(`namespace ${JSON.stringify(other)} is not supported by --empty-ns; only network is`);
  const on = (name: string): boolean => args.options[name] === true;
  return {
    tcpEstablished: on('tcp-established'),
    extUnixSk: on('ext-unix-sk'),
    shellJob: on('shell-job'),
    fileLocks: on('file-locks'),
    autoDedup: on('auto-dedup'),
    lazyPages: on('lazy-pages'),
    manageCgroupsMode: textOf(args, 'manage-cgroups-mode') || undefined,
  };
}

/** Said before criu says it in its own way. */
export function warnRootless(context: Context, name: string): void {
  if (process.geteuid?.() !== 0) context.warn(`${name} as an ordinary user: criu needs root, or CAP_CHECKPOINT_RESTORE and more`);
}
