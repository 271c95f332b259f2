/** `minirun explain [options] ROOTFS [COMMAND [ARG...]]`: the program of a run, not run. */
import type { Command } from 'commander';
import { compile } from '../../runc/compile/compile.ts';
import { probeHost } from '../../runc/host/probe.ts';
import type { Program } from '../../runc/program/step.ts';
import type { Config } from '../../runc/spec/config.ts';
import { type Context, warn } from '../command.ts';
import { newCommand, splitArguments } from '../command-line.ts';
import { configFromOptions } from '../config-from-options.ts';
import { gatherFacts } from '../gather-facts.ts';
import { suggestion } from '../nearest.ts';
import { addContainerOptions, parseRunOptions, type RunOptions } from '../run-options.ts';
import { shellWords } from '../shell-words.ts';
import { subjectOf } from '../subject.ts';
import { UsageError } from '../usage-error.ts';

const FORMATS = ['text', 'json', 'c', 'sh', 'html'] as const;
type Format = (typeof FORMATS)[number];

function format(text: string): Format {
  const known = FORMATS.find((f) => f === text);
  if (!known) throw new UsageError(`--format ${text}: choose ${FORMATS.join(' or ')}${suggestion(text, FORMATS)}`);
  return known;
}

const explainCommand = (): Command =>
  addContainerOptions(newCommand('minirun explain', 'Show the steps of a run without running it: no root and no Linux needed.'))
    .option('--format <FORMAT>', 'text (default), json, c, sh or html', format)
    .option('--explain-numbers', 'show flags as numbers as well')
    .option('--diff <OPTIONS>', 'show what these options, in one argument, would change')
    .usage('[options] ROOTFS [COMMAND [ARG...]]');

export async function run(args: string[], context: Context): Promise<number> {
  const command = explainCommand();
  const options = parseRunOptions(command, args);
  const { diff, format: asked = 'text' } = command.opts() as { diff?: string; format?: Format };
  if (diff === undefined) return printProgram(options, asked, context);
  if (asked !== 'text') throw new UsageError(`--diff is told as text; leave --format ${asked} out`);
  // The other options come last, so that they win over those of the command line.
  const { options: own, operands } = splitArguments(explainCommand(), args);
  const other = splitArguments(explainCommand(), shellWords(diff));
  if (other.operands.length) throw new UsageError(`--diff ${JSON.stringify(diff)}: "${other.operands[0]}" is no option`);
  const changed = parseRunOptions(explainCommand(), [...own, ...other.options, '--', ...operands]);
  const { diffPrograms, renderDiff } = await import('../../explain/diff.ts');
  const before = await programFor(options, context);
  const after = await programFor(changed, context);
  process.stdout.write(renderDiff(diffPrograms(before.program, after.program), await look(options)));
  return 0;
}

async function programFor(options: RunOptions, context: Context): Promise<{ program: Program; config: Config }> {
  const subject = await subjectOf(options, context);
  if (subject.kind === 'missing') warn(`there is no root file system at ${subject.rootfs}: explained as if it had no users`);
  const config = configFromOptions(options, await gatherFacts(options, subject));
  const host = probeHost(config, { bundle: process.cwd() });
  return { program: compile(config, host, { id: subject.id, bundle: process.cwd() }), config };
}

async function look(options: RunOptions) {
  const { textWidth, wantsColour } = await import('../../explain/style.ts');
  return { colour: wantsColour(process.stdout), width: textWidth(process.stdout), numbers: options.explainNumbers };
}

/** Prints the program of these options. Also `run --dry-run`. */
export async function printProgram(options: RunOptions, as: Format, context: Context): Promise<number> {
  const { program, config } = await programFor(options, context);
  process.stdout.write(await render(program, config, as, options));
  return 0;
}

async function render(program: Program, config: Config, as: Format, options: RunOptions): Promise<string> {
  switch (as) {
    case 'json':
      return (await import('../../explain/json.ts')).renderJson(program);
    case 'c':
      return (await import('../../explain/c.ts')).renderC(program);
    case 'sh':
      return (await import('../../explain/sh.ts')).renderSh(program);
    case 'html':
      return (await import('../../explain/html.ts')).renderHtml(program, config);
    default:
      return (await import('../../explain/text.ts')).renderText(program, await look(options));
  }
}
