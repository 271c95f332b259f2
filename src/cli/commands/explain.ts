/** `minirun explain [options] ROOTFS [COMMAND [ARG...]]` and `minirun explain --bundle DIR`: the program of a start, not run. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { compile } from '../../runc/compile/compile.ts';
import { probeHost } from '../../runc/host/probe.ts';
import type { Program } from '../../runc/program/step.ts';
import type { Config } from '../../runc/spec/config.ts';
import { parseConfig } from '../../runc/spec/validate.ts';
import { type Context, warn } from '../command.ts';
import { newCommand, splitArguments } from '../command-line.ts';
import { configFromOptions } from '../config-from-options.ts';
import { gatherFacts } from '../gather-facts.ts';
import { suggestion } from '../nearest.ts';
import { addContainerOptions, parseRunOptions, type RunOptions } from '../run-options.ts';
import { shellWords } from '../shell-words.ts';
import { EXAMPLE_ID, subjectOf } from '../subject.ts';
import { UsageError } from '../usage-error.ts';

const FORMATS = ['text', 'json', 'c', 'sh', 'html'] as const;
type Format = (typeof FORMATS)[number];

function format(text: string): Format {
  const known = FORMATS.find((f) => f === text);
  if (!known) throw new UsageError(`--format ${text}: choose ${FORMATS.join(' or ')}${suggestion(text, FORMATS)}`);
  return known;
}

export const command = (): Command =>
  addContainerOptions(newCommand('minirun explain', 'Show the steps of a run without running it: no root and no Linux needed.'))
    .option('--format <FORMAT>', 'text (default), json, c, sh or html', format)
    .option('--explain-numbers', 'show flags as numbers as well')
    .option('--diff <OPTIONS>', 'show what these options, in one argument, would change')
    .option('--bundle <DIR>', "instead of ROOTFS and options: what an engine asks for in this folder's config.json")
    .usage('[options] ROOTFS [COMMAND [ARG...]] | --bundle DIR');

interface Asked {
  options: RunOptions;
  /** The folder of an engine's config.json, instead of a rootfs and options. */
  bundle: string | undefined;
  diff: string | undefined;
  format: Format;
}

function parse(args: readonly string[]): Asked {
  const parsed = command();
  const { options: given, operands } = splitArguments(parsed, args);
  const hasBundle = given.some((word) => /^--bundle(=|$)/.test(word));
  const options = parseRunOptions(parsed, args, !hasBundle);
  const { bundle, diff, format: asked = 'text' } = parsed.opts() as { bundle?: string; diff?: string; format?: Format };
  if (bundle !== undefined && operands.length)
    throw new UsageError(`--bundle ${bundle}: its config.json names root file system and command; leave "${operands[0]}" out`);
  return { options, bundle, diff, format: asked };
}

export async function run(args: string[], context: Context): Promise<number> {
  const asked = parse(args);
  const { diff } = asked;
  if (diff === undefined) {
    const { program, config } = await programFor(asked, context);
    process.stdout.write(await render(program, config, asked.format, asked.options));
    return 0;
  }
  if (asked.format !== 'text') throw new UsageError(`--diff is told as text; leave --format ${asked.format} out`);
  // The other options come last, so that they win over those of the command line.
  const { options: own, operands } = splitArguments(command(), args);
  const other = splitArguments(command(), shellWords(diff));
  if (other.operands.length) throw new UsageError(`--diff ${JSON.stringify(diff)}: "${other.operands[0]}" is no option`);
  const changed = parse([...own, ...other.options, '--', ...operands]);
  const { diffPrograms, renderDiff } = await import('../../explain/diff.ts');
  const before = await programFor(asked, context);
  const after = await programFor(changed, context);
  process.stdout.write(renderDiff(diffPrograms(before.program, after.program), await look(asked.options)));
  return 0;
}

interface Explained {
  program: Program;
  config: Config;
}

const programFor = ({ options, bundle, format: as }: Asked, context: Context): Explained | Promise<Explained> =>
  bundle === undefined ? programOfOptions(options, context) : programOfBundle(bundle, options, as);

async function programOfOptions(options: RunOptions, context: Context): Promise<Explained> {
  const subject = await subjectOf(options, context);
  if (subject.kind === 'missing') warn(`there is no root file system at ${subject.rootfs}: explained as if it had no users`);
  const config = configFromOptions(options, await gatherFacts(options, subject));
  const host = probeHost(config, { bundle: process.cwd() });
  return { program: compile(config, host, { id: subject.id, bundle: process.cwd() }), config };
}

/** What `minirun-runc create` would do; in C and shell, which cannot wait for `start`, what `run` would. */
function programOfBundle(folder: string, options: RunOptions, as: Format): Explained {
  const bundle = resolve(folder);
  const file = join(bundle, 'config.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--bundle ${folder}: there is no config.json to read in it (${(error as NodeJS.ErrnoException).code})`);
  }
  const config = parseConfig(text, file);
  if (!config.process) throw new UsageError(`${file}: it has no process, so there is nothing to start`);
  const host = probeHost(config, { bundle });
  const gated = as !== 'c' && as !== 'sh';
  return { program: compile(config, host, { id: options.name ?? EXAMPLE_ID, bundle, gated }), config };
}

async function look(options: RunOptions) {
  const { textWidth, wantsColour } = await import('../../explain/style.ts');
  return { colour: wantsColour(process.stdout), width: textWidth(process.stdout), numbers: options.explainNumbers };
}

/** Prints the program of these options. Also `run --dry-run`. */
export async function printProgram(options: RunOptions, as: Format, context: Context): Promise<number> {
  const { program, config } = await programOfOptions(options, context);
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
