/**
 * `minirun run [options] ROOTFS|IMAGE [COMMAND [ARG...]]`: a path is a root file system, and is run
 * without a daemon; a name is an image, and the daemon runs it.
 */
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { newCommand, splitArguments, withExamples } from '../command-line.ts';
import { addCreateFlags } from '../docker/container/flags.ts';
import { HelpShown } from '../help-shown.ts';
import { addNarrationOptions } from '../run-options.ts';
import { UsageError } from '../usage-error.ts';

const RULE = `ROOTFS or IMAGE?
  What begins with /, ./ or ../ (or is . or ..) is the path of a root file system, and so is the name
  of a folder that is here, or of a tar file. All else names an image. Where a folder has an image's
  name, write NAME:latest for the image. After -H or --context only such a path is a ROOTFS.
  A root file system is run without a daemon, and a smaller set of options: those of networks, volumes,
  restarts, health and logs need an image. An image is run by the daemon, which is started if need be.`;

/** All options of both. */
export const command = (): Command => {
  const all = addCreateFlags(
    newCommand('minirun run', 'Run a command in a new container made of a root file system (a folder or a tar of one), or of an image.'),
  )
    .optionsGroup('How it is run:')
    .option('-d, --detach', 'leave it running and print its id')
    .option('--detach-keys <KEYS>', 'keys that leave a terminal (default ctrl-p,ctrl-q)')
    .option('--sig-proxy', 'pass signals on to it (the default, without a terminal)')
    .option('--no-sig-proxy', 'do not')
    .optionsGroup('minirun:');
  addNarrationOptions(all)
    .option('--through <LAYER>', 'ROOTFS only: go through shim, or containerd and shim, as an engine does')
    .option('--config <FILE>', 'ROOTFS only: start from this OCI config.json instead of the defaults')
    .option('--dry-run', 'ROOTFS only: only print the steps');
  return withExamples(
    all.usage('[options] ROOTFS|IMAGE [COMMAND [ARG...]]').addHelpText('after', `\n${RULE}`),
    ['run ./rootfs /bin/sh', 'a shell in a root file system, without a daemon'],
    ['run --explain ./rootfs /bin/true', 'the same, each step told'],
    ['run --rm -it debian bash', 'a shell in an image, which is downloaded if it is not here'],
    ['run -d --name web -p 8080:80 -v data:/srv nginx', 'a service with a published port and a volume'],
    ['run --rm -m 64m --cpus 0.5 --read-only busybox top', 'with limits'],
  );
};

const PATH = /^(?:\/|\.\.?(?:\/|$))/;
const ARCHIVE = /\.(?:tar|tar\.\w+|tgz|txz|tbz2?)$/;

/** Whether a word names a root file system; see {@link RULE}. */
export function isRootfs(word: string, daemonNamed: boolean): boolean {
  if (PATH.test(word)) return true;
  if (daemonNamed) return false;
  return ARCHIVE.test(word) || statSync(word, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Options that only make sense without a daemon; then a name is a path that does not exist. */
const ROOTFS_ONLY = /^--(?:engine|step|dry-run|config|through)(?:=|$)/;

export async function run(args: string[], context: Context): Promise<number> {
  const all = command();
  const { options, operands } = splitArguments(all, args);
  const [what] = operands;
  if (options.includes('--help')) {
    all.outputHelp();
    throw new HelpShown();
  }
  if (what === undefined) throw new UsageError('ROOTFS or IMAGE is missing; usage: minirun run [options] ROOTFS|IMAGE [COMMAND [ARG...]]');
  const named = context.host !== undefined || context.contextName !== undefined;
  if (isRootfs(what, named) || (!named && options.some((option) => ROOTFS_ONLY.test(option)))) {
    if (named) throw new UsageError(`${what} is a root file system, which runs without a daemon: leave -H and --context out`);
    const { runRootfs } = await import('../run-rootfs.ts');
    return runRootfs(args, context);
  }
  const { runImage } = await import('../docker/run.ts');
  return runImage(all, args, context);
}
