/** `minirun push [options] NAME[:TAG]` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { askStream } from '../connect/request.ts';
import { registryAuth } from '../credentials.ts';
import { showProgress } from '../output/progress.ts';
import { familiarReference, referenceOf, repositoryOf, withDefaultTag } from '../reference.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun push', 'Upload an image to a registry.')
      .option('-a, --all-tags', 'all tags of the repository that are here')
      .option('--platform <OS/ARCHITECTURE>', 'only this one of a multi-platform image')
      .option('-q, --quiet', 'only print the name')
      .option('--disable-content-trust', 'no effect: nothing is signed')
      .usage('[options] NAME[:TAG]'),
    ['push localhost:5000/app:1.0', 'to a registry of your own'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name = ''] = takeOperands(parsed, parseCommand(parsed, args), ['NAME']);
  const { allTags, platform, quiet } = parsed.opts<{ allTags?: boolean; platform?: string; quiet?: boolean }>();
  const given = referenceOf(name);
  if (allTags && given.tag !== undefined) throw new UsageError("tag can't be used with --all-tags/-a");
  const reference = allTags ? given : withDefaultTag(given);
  const connection = await connect(context);
  if (!quiet) {
    if (!allTags && given.tag === undefined) process.stdout.write('Using default tag: latest\n');
  }
  const [os = '', architecture = '', variant] = (platform ?? '').split('/');
  const answer = await askStream(connection, `/images/${repositoryOf(reference).replace(/^docker\.io\//, '')}/push`, {
    method: 'POST',
    query: { tag: reference.tag, platform: platform ? { os, architecture, variant } : undefined },
    registryAuth: await registryAuth(reference.domain),
  });
  await showProgress(answer, { to: process.stdout, quiet: quiet === true });
  if (quiet) process.stdout.write(`${familiarReference(reference)}\n`);
  return 0;
}
