/** The manual page, from the definitions that the command line is parsed with. Written by scripts/man.mjs into docs/man/minirun.1. */
import type { Command } from 'commander';
import { examplesOf } from './command-line.ts';
import { CHAPTERS, type Entry, GROUPS } from './commands.ts';
import { ABOUT_DAEMONS, GLOBAL_OPTIONS } from './help.ts';

/** What roff(7) would take for its own. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');

const bold = (text: string): string => `\\fB${escaped(text)}\\fR`;

/** `-t, --timeout <SECONDS>` → bold flags, the value in italics. */
const flags = (text: string): string =>
  text.replace(/[^<[\]>]+|<[^>]*>|\[[^\]]*\]/g, (part) => (/^[<[]/.test(part) ? `\\fI${escaped(part.slice(1, -1))}\\fR` : bold(part)));

const item = (term: string, text: string): string => `.TP\n${term}\n${escaped(text)}\n`;

function options(command: Command): string {
  return command.options
    .filter((option) => !option.hidden)
    .map((option) => item(flags(option.flags), option.description))
    .join('');
}

async function section(name: string, entry: Entry): Promise<string> {
  const command = (await entry.load()).command();
  const examples = examplesOf(command);
  const usage = command
    .usage()
    .split('\n')
    .map((line) => `.PP\n${bold(`minirun ${name}`)} ${escaped(line.trim().replace(/^minirun \w+ /, ''))}\n`)
    .join('');
  return [
    `.SS minirun ${name}\n`,
    `${escaped(command.description())}\n`,
    usage,
    options(command),
    examples.length > 0 ? `.PP\nExamples:\n${examples.map(({ line, what }) => item(bold(`minirun ${line}`), what)).join('')}` : '',
  ].join('');
}

/** @param version of the package */
export async function manualPage(version: string): Promise<string> {
  const parts = [
    `.TH MINIRUN 1 "" "minirun ${version}" "User Commands"\n`,
    '.SH NAME\nminirun \\- Docker, small enough to read and real enough to run\n',
    `.SH SYNOPSIS\n${bold('minirun')} [${bold('--root')} \\fIDIR\\fR] [${bold('-H')} \\fIADDRESS\\fR] \\fICOMMAND\\fR ...\n`,
    '.SH DESCRIPTION\n',
    `${escaped('minirun runs commands in containers, made of a root file system (without a daemon) or of an image.')}\n`,
    `.PP\n${escaped(ABOUT_DAEMONS)}\n`,
    '.SH OPTIONS\n',
    ...GLOBAL_OPTIONS.map(([option, text]) => item(flags(option.replace(/ ([A-Z]+)$/, ' <$1>')), text)),
  ];
  for (const { title, commands } of CHAPTERS) {
    parts.push(`.SH ${title.toUpperCase()}\n`);
    for (const [name, entry] of Object.entries(commands)) parts.push(await section(name, entry));
  }
  const alone = new Set(CHAPTERS.flatMap(({ commands }) => Object.values(commands)));
  parts.push('.SH GROUPS\nCommands that stand alone can also be called as those of a group.\n');
  for (const [group, { commands }] of Object.entries(GROUPS)) {
    const names = Object.entries(commands);
    parts.push(`.SS minirun ${group}\n`, `${escaped(names.map(([name]) => name).join(', '))}.\n`);
    for (const [name, entry] of names) if (!alone.has(entry) && !entry.prefix) parts.push(await section(`${group} ${name}`, entry));
  }
  parts.push(
    '.SH ENVIRONMENT\n',
    item(bold('DOCKER_HOST'), 'the daemon that is asked: unix:///PATH, tcp://HOST:PORT or ssh://[USER@]HOST'),
    item(bold('DOCKER_CONTEXT'), 'the name of a context of Docker'),
    item(bold('DOCKER_CONFIG'), 'folder of config.json, contexts and passwords (default: ~/.docker)'),
    item(bold('DOCKER_API_VERSION'), 'speak this version of the API instead of the newest that both sides know'),
    item(bold('DOCKER_TLS_VERIFY, DOCKER_CERT_PATH'), 'use TLS for tcp://, with the certificates of this folder'),
    item(bold('MINIRUN_ROOT'), 'as --root'),
    item(bold('NO_COLOR'), 'no colours'),
    '.SH EXIT STATUS\n',
    item('0', 'all went well'),
    item('1', 'the daemon refused, or one of several things failed'),
    item('125', 'minirun itself failed, or the command line is wrong'),
    item('126', "the container's command cannot be executed"),
    item('127', "the container's command was not found"),
    item('other', "the exit status of the container's command; 128 and the signal's number when a signal ended it"),
  );
  return parts.join('');
}
