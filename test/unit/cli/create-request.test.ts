/**
 * The body of POST /containers/create, compared with what Docker's client 28.2.2 sends for the same
 * command line. docker-create.json was recorded from it by a server that logs and answers 201; what
 * is null, empty, zero or false was left out of it, as the daemon takes that for "not said".
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newCommand, parseCommand } from '../../../src/cli/command-line.ts';
import { createRequest, type Surroundings } from '../../../src/cli/docker/container/create-request.ts';
import { addCreateFlags, type CreateFlags } from '../../../src/cli/docker/container/flags.ts';

interface Recorded {
  args: string[];
  query: string;
  body: Record<string, unknown>;
}

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'docker-create.json'), 'utf8')) as Recorded[];

const FILES: Record<string, string> = {
  'env.list': 'A=1\n# c\nB\n\nC=x y\n',
  'label.list': 'l1=v1\nl2\n',
  'seccomp.json': '{"defaultAction": "SCMP_ACT_ALLOW"}\n',
};

const around: Surroundings = {
  env: { HOME: '/home/me' },
  readFile: (path) => FILES[path.replace(/.*\//, '')] as string,
  absolute: (path) => (path.startsWith('/') ? path : `/here/${path.replace(/^\.\//, '')}`),
  api: 50,
};

function request(args: readonly string[], api = 50) {
  const command = addCreateFlags(newCommand('minirun run', '')).option('-d, --detach');
  const [image, ...rest] = parseCommand(command, args);
  return createRequest(command.opts<CreateFlags>(), image as string, rest, { ...around, api });
}

/** Leaves out what says nothing. */
function significant(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => significant(inner) ?? {});
  if (typeof value !== 'object' || value === null) return value || undefined;
  const entries = Object.entries(value)
    .map(
      ([key, inner]) =>
        [key, ['ExposedPorts', 'Volumes', 'Tmpfs', 'MaskedPaths', 'ReadonlyPaths'].includes(key) ? inner : significant(inner)] as const,
    )
    .filter(([key, inner]) => {
      if (inner === undefined) return false;
      if (key === 'MaskedPaths' || key === 'ReadonlyPaths') return true;
      return typeof inner !== 'object' || inner === null || Object.keys(inner).length > 0;
    });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** Go's maps have no order, so neither have these. */
function inOrder(body: unknown): unknown {
  const config = (body as { HostConfig?: { Binds?: string[]; SecurityOpt?: string[] } }).HostConfig;
  config?.Binds?.sort();
  return body;
}

describe('as Docker sends it', () => {
  it.each(recorded.map((entry) => [entry.args.join(' '), entry] as const))('%s', (_, { args, query, body }) => {
    const made = request(args);
    expect(inOrder(significant(made.body))).toEqual(inOrder(significant(body)));
    expect(new URLSearchParams(made.query as Record<string, string>).toString()).toBe(query);
  });
});

describe('what differs from machine to machine', () => {
  it('a terminal has a size', () => {
    const made = createRequest({ tty: true }, 'busybox', [], { ...around, consoleSize: [24, 80] });
    expect(made.body).toMatchObject({ Tty: true, HostConfig: { ConsoleSize: [24, 80] } });
  });
  it('paths beside a colon are made absolute, names are not', () => {
    expect(request(['-v', './a:/b', '-v', 'vol:/c', 'busybox']).body.HostConfig.Binds).toEqual(['/here/a:/b', 'vol:/c']);
  });
  it('before API 1.44 a MAC address belongs to the container', () => {
    expect(request(['--mac-address', '92:d0:c6:0a:29:33', 'busybox'], 41).body.MacAddress).toBe('92:d0:c6:0a:29:33');
  });
});

it('what Docker switches off with =false', async () => {
  const { command } = await import('../../../src/cli/commands/run.ts');
  const flags = (...args: string[]) => {
    const parsed = command();
    parseCommand(parsed, [...args, 'busybox']);
    return parsed.opts<CreateFlags>();
  };
  expect([flags('--sig-proxy=false').sigProxy, flags('--sig-proxy').sigProxy, flags().sigProxy]).toEqual([false, true, undefined]);
  expect(flags('--rm=false').rm).toBeUndefined();
});

describe('refused before anything is sent', () => {
  it.each([
    [['--rm', '--restart', 'always', 'b'], /cannot specify both --restart and --rm/],
    [['-d', '-a', 'stdin', 'b'], /cannot specify both --attach and --detach/],
    [['-p', '99999', 'b'], /invalid port/],
    [['-p', '1-3:1-2', 'b'], /invalid ranges/],
    [['-p', '80/icmp', 'b'], /invalid proto/],
    [['-v', 'a::b', 'b'], /empty section between colons/],
    [['--mount', 'type=bind,src=/a', 'b'], /target is required/],
    [['--mount', 'type=tmpfs,dst=/a,volume-nocopy', 'b'], /cannot mix 'volume-\*'/],
    [['--health-interval', '5', 'b'], /not a duration/],
    [['--restart', 'often', 'b'], /invalid restart policy/],
    [['--network', 'host', '--network', 'n', 'b'], /cannot attach both/],
    [['--cpus', 'x', 'b'], /--cpus x/],
    [['-e', '=x', 'b'], /invalid environment variable/],
    [['--add-host', 'x', 'b'], /bad format for add-host/],
    [['--gpus', 'frob=1', 'b'], /unexpected key 'frob'/],
    [['--device', '/dev/a:/dev/b:q', 'b'], /rwm/],
    [['--pull', 'often', 'b'], /always, missing, never/],
  ])('%j', (args, message) => {
    expect(() => request(args)).toThrow(message);
  });
});
