/** `minirun import [options] FILE|URL|- [REPOSITORY[:TAG]]` */
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { askStream } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { showProgress } from '../output/progress.ts';
import { referenceOf } from '../reference.ts';
import { opened } from '../streams/opened.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun import', 'Make an image of a tar archive of files.')
      .option('-c, --change <INSTRUCTION>', 'an instruction of a Dockerfile, such as \'CMD ["sh"]\'', gather)
      .option('-m, --message <TEXT>', 'a remark for its history')
      .option('--platform <OS/ARCHITECTURE>', 'what it is for')
      .usage('[options] FILE|URL|- [REPOSITORY[:TAG]]'),
    ['import -c \'CMD ["sh"]\' rootfs.tar mine:1.0', 'from a file'],
    ['tar -C rootfs -c . | minirun import - mine', 'from a folder'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [source = '', repo] = takeOperands(parsed, parseCommand(parsed, args), ['FILE|URL|-', '[REPOSITORY]']);
  const { change, message, platform } = parsed.opts<{ change?: string[]; message?: string; platform?: string }>();
  if (repo !== undefined) referenceOf(repo);
  const isUrl = /^https?:\/\//.test(source);
  const stream = isUrl ? undefined : source === '-' ? process.stdin : await opened(createReadStream(source), source);
  const answer = await askStream(await connect(context), '/images/create', {
    method: 'POST',
    query: { fromSrc: isUrl ? source : '-', repo, message, changes: change, platform },
    ...(stream ? { upload: { stream, type: 'text/plain' } } : {}),
  });
  await showProgress(answer, { to: process.stdout });
  return 0;
}
