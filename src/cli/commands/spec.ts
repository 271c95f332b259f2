/** `minirun spec [options] [ROOTFS [COMMAND [ARG...]]]`: the config.json that `run` would use. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { newCommand } from '../command-line.ts';
import { configFromOptions } from '../config-from-options.ts';
import { gatherFacts } from '../gather-facts.ts';
import { addContainerOptions, parseRunOptions } from '../run-options.ts';
import { subjectOf } from '../subject.ts';

export const command = (): Command =>
  addContainerOptions(newCommand('minirun spec', 'Print the OCI config.json that these options make.')).usage(
    '[options] [ROOTFS [COMMAND [ARG...]]]',
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const options = parseRunOptions(parsed, args, false);
  const named = parsed.args.length > 0;
  const subject = await subjectOf(options, context);
  const config = configFromOptions(options, await gatherFacts(options, subject));
  // In a bundle the root file system is the folder beside config.json.
  if (!named && config.root) config.root.path = 'rootfs';
  else if (config.root && subject.kind === 'archive') config.root.path = resolve(options.rootfs);
  process.stdout.write(`${JSON.stringify(config, null, 2)}\n`);
  return 0;
}
