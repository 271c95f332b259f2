import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examplesOf } from '../../../src/cli/command-line.ts';
import { CHAPTERS, GROUPS } from '../../../src/cli/commands.ts';
import { helpText } from '../../../src/cli/help.ts';
import { manualPage } from '../../../src/cli/man.ts';
import { packageVersion } from '../../../src/cli/version.ts';

const PAGE = resolve(import.meta.dirname, '../../../docs/man/minirun.1');

/** Each command once, by the name that it is found with. */
const all = [
  ...CHAPTERS.flatMap(({ commands }) => Object.entries(commands)),
  ...Object.entries(GROUPS).flatMap(([group, { commands }]) =>
    Object.entries(commands).map(([name, entry]) => [`${group} ${name}`, entry] as const),
  ),
];

describe('the manual page', () => {
  it('is what the definitions say; npm run man writes it anew', async () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(await manualPage(packageVersion()));
  });
  it.skipIf(spawnSync('groff', ['--version']).status !== 0)('has no mistakes that groff knows', () => {
    const { stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', PAGE], { encoding: 'utf8' });
    expect(stderr).toBe('');
  });
});

describe('help', () => {
  it('names all commands and groups', () => {
    for (const { commands } of CHAPTERS)
      for (const name of Object.keys(commands)) expect(helpText()).toMatch(new RegExp(`^  ${name} `, 'm'));
    for (const group of Object.keys(GROUPS)) expect(helpText(group)).toContain(`Usage: minirun ${group} COMMAND`);
  });
  it.each(all)('%s: a usage, a description, an example; no flag twice', async (name, entry) => {
    const command = (await entry.load()).command();
    expect(command.description()).toMatch(/\.$/);
    expect(command.usage()).not.toBe('');
    const flags = command.options.flatMap(({ short, long }) => [short, long]).filter(Boolean);
    expect(new Set(flags).size).toBe(flags.length);
    if (!['spec', 'doctor', 'explain'].includes(name)) expect(examplesOf(command).length).toBeGreaterThan(0);
  });
});

describe('bash completion', () => {
  it.skipIf(spawnSync('bash', ['--version']).status !== 0)('completes the word before the cursor, and hands files to bash', async () => {
    const { completionScript } = await import('../../../src/cli/completion/scripts.ts');
    const script = `
      minirun() { shift 2; printf '%s\\n' "$@" >&3; tr ' ' '\\n' <<< "$ANSWER"; }
      compopt() { echo "compopt $1 $2"; }
      ${completionScript('bash')}
      COMP_LINE="$LINE" COMP_POINT=\${#LINE} COMP_WORDBREAKS=' :'
      _minirun 3>&2
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const complete = (line: string, answer: string) => {
      const done = spawnSync('bash', ['-c', script], { encoding: 'utf8', env: { ...process.env, LINE: line, ANSWER: answer } });
      return { offered: done.stdout.trim().split('\n').filter(Boolean), asked: done.stderr.trimEnd().split('\n') };
    };
    expect(complete('minirun rm we', 'web west data')).toEqual({ offered: ['web', 'west'], asked: ['rm', 'we'] });
    expect(complete('minirun rm -f ', 'web data').offered).toEqual(['web', 'data']);
    // Of a word with a colon bash knows only what is behind it.
    expect(complete('minirun run busybox:l', 'busybox:latest').offered).toEqual(['latest']);
    expect(complete('minirun load -i ', ':files').offered).toEqual(['compopt -o default']);
  });
});
