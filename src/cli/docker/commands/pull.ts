/** `minirun pull [options] NAME[:TAG|@DIGEST]` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { pullImage } from '../pull.ts';
import { familiarReference, referenceOf, withDefaultTag } from '../reference.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun pull', 'Download an image from a registry.')
      .option('-a, --all-tags', 'all tags of the repository')
      .option('--platform <OS/ARCHITECTURE>', 'which of a multi-platform image')
      .option('-q, --quiet', 'only print the name')
      .option('--disable-content-trust', 'no effect: signatures are not checked')
      .usage('[options] NAME[:TAG|@DIGEST]'),
    ['pull alpine:3.20', 'from Docker Hub'],
    ['pull localhost:5000/app@sha256:…', 'exactly this one, from a registry of your own'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name = ''] = takeOperands(parsed, parseCommand(parsed, args), ['NAME']);
  const { allTags, platform, quiet } = parsed.opts<{ allTags?: boolean; platform?: string; quiet?: boolean }>();
  const given = referenceOf(name);
  if (allTags && (given.tag !== undefined || given.digest !== undefined)) throw new UsageError("tag can't be used with --all-tags/-a");
  const reference = allTags ? given : withDefaultTag(given);
  if (!quiet && !allTags && given.tag === undefined && given.digest === undefined) process.stdout.write('Using default tag: latest\n');
  await pullImage(await connect(context), reference, { platform, quiet, allTags, to: process.stdout });
  process.stdout.write(`${formatted(reference)}\n`);
  return 0;
}

/** The last line, which scripts read: the name in full. */
const formatted = (reference: ReturnType<typeof referenceOf>): string => {
  const short = familiarReference(reference);
  return `${reference.domain}/${reference.path}${short.slice(short.search(/(?:[:@][^/]*)?$/))}`;
};
