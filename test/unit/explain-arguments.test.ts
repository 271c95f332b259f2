import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { argumentRows } from '../../src/explain/arguments.ts';
import { syscallNumber } from '../../src/libc/syscalls.ts';
import { NULL } from '../../src/runc/program/args.ts';

const source = readFileSync(new URL('../../src/runc/program/calls.ts', import.meta.url), 'utf8');
const names = new Set([...source.matchAll(/\bcall\(\s*'(\w+)'/g)].map((match) => match[1] as string));
const WITHOUT_ARGUMENTS = new Set(['setsid']);
/** The runtime's own: other programs, no system calls. */
const HELPERS = new Set(['posix_spawn', 'run_hook']);

it('finds the calls', () => expect(names.size).toBeGreaterThan(50));

it.each([...names])('%s has names for its arguments and a number on both processors', (name) => {
  if (!WITHOUT_ARGUMENTS.has(name)) expect(argumentRows({ name, args: [NULL] })[0]?.name).not.toBe('argument 1');
  if (HELPERS.has(name)) return;
  const kernel = { prlimit: 'prlimit64' }[name] ?? name;
  for (const arch of ['x64', 'arm64'] as const) expect(syscallNumber(kernel, arch)).toBeGreaterThanOrEqual(0);
});
