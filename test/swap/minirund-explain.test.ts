/** All layers in one story: what docker asks of minirund, and `minirun run --explain IMAGE`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUSYBOX_TAR, noRuntime } from './support/runtime.ts';
import { hasProgram, type Sandbox, sandboxWith } from './support/sandbox.ts';

const BIN = resolve(import.meta.dirname, '../../bin');
const HOST = 'unix:///run/explain.sock';

describe.skipIf(noRuntime() !== undefined || !hasProgram('docker'))('a story of all layers', () => {
  let place: Sandbox;
  let told: string;

  beforeAll(async () => {
    place = await sandboxWith(async (sandbox) => {
      told = join(sandbox.folder, 'told');
      await sandbox.daemon('minirund', [join(BIN, 'minirund'), '-H', HOST], ['docker', '-H', HOST, 'version'], {
        env: { MINIRUN_EXPLAIN: told },
      });
      const imported = await sandbox.run(['docker', '-H', HOST, 'import', BUSYBOX_TAR, 'busybox']);
      expect(imported.code, imported.err).toBe(0);
      return sandbox;
    });
  });
  afterAll(async () => {
    await place?.end();
  });

  /** `from → to name` of each message, in the order of the story. */
  const messages = (text: string): string[] =>
    [...text.matchAll(/^[│ ]*┌ \d+ {2}(\S+) → (\S+) {2}(.*?)(?: {2,}.*)?$/gm)].map(
      ([, from, to, name]) => `${from} → ${to} ${name?.trim()}`,
    );

  /** The chain that one container needs, each message somewhere after the one before it. */
  const inOrder = (all: string[], wanted: RegExp[]): void => {
    let at = -1;
    for (const one of wanted) {
      const next = all.findIndex((message, n) => n > at && one.test(message));
      expect(next, `${one} after ${all[at] ?? 'the beginning'} in:\n${all.join('\n')}`).toBeGreaterThan(at);
      at = next;
    }
  };

  it('minirund tells what docker asks, and what it asks itself because of that; nothing of the environment', async () => {
    const ran = await place.run(['docker', '-H', HOST, 'run', '--rm', '-e', 'PASSWORD=hunter2', 'busybox', 'echo', 'hello']);
    expect(ran).toMatchObject({ code: 0, out: 'hello\n' });
    const text = readFileSync(told, 'utf8');
    const all = messages(text);
    inOrder(all, [/^docker → dockerd POST \/containers\/create$/, /^dockerd → containerd Snapshots\/Prepare$/]);
    inOrder(all, [
      /^docker → dockerd POST \/containers\/\w+\/start$/,
      /^dockerd → containerd Tasks\/Create$/,
      /^containerd → shim Task\/Create$/,
    ]);
    expect(text).toContain('HostConfig');
    expect(text).not.toContain('hunter2');
  });

  it('minirun run --explain IMAGE: from the first request to the last system call, and nothing is left of it', async () => {
    const ran = await place.run([
      join(BIN, 'minirun'),
      '-H',
      HOST,
      'run',
      '--rm',
      '--explain',
      'busybox',
      'sh',
      '-c',
      'echo hello; exit 3',
    ]);
    expect(ran).toMatchObject({ code: 3, out: 'hello\n' });
    inOrder(messages(ran.err), [
      /^minirun → dockerd POST \/containers\/create$/,
      /^dockerd → containerd Snapshots\/Prepare$/,
      /^minirun → dockerd POST \/containers\/\w+\/start$/,
      /^dockerd → containerd Containers\/Create$/,
      /^dockerd → containerd Tasks\/Create$/,
      /^containerd → shim start$/,
      /^containerd → shim Task\/Create$/,
      /^shim → runc create$/,
      /^dockerd → containerd Tasks\/Start$/,
      /^containerd → shim Task\/Start$/,
      /^shim → runc start$/,
      /^dockerd → containerd Snapshots\/Remove$/,
    ]);
    expect(ran.err).toMatch(/init +pivot_root\("\.", "\."\) = 0/);
    const left = await place.run([
      'sh',
      '-c',
      'ls -A /run/minirun/.through; grep -c through /proc/self/mountinfo; pgrep -af "namespace explained" | grep -v pgrep',
    ]);
    expect(left.out.trim()).toBe('0');
  });

  it('the same as a page', async () => {
    const page = join(place.folder, 'page.html');
    const ran = await place.run([
      join(BIN, 'minirun'),
      '-H',
      HOST,
      'run',
      '--rm',
      '--explain=html',
      '--explain-to',
      page,
      '--network',
      'none',
      'busybox',
      'true',
    ]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(existsSync(page), readdirSync(place.folder).join(' ')).toBe(true);
    expect(readFileSync(page, 'utf8')).toContain('dockerd');
  });

  it.each([
    [['--explain', 'busybox'], 'add --rm'],
    [['--rm', '-d', '--explain', 'busybox'], 'leave -d out'],
    [['--rm', '-v', 'name:/data', '--explain', 'busybox'], 'volumes with a name'],
  ])('refuses what a daemon that is gone afterwards cannot keep: %j', async (words, sentence) => {
    const ran = await place.run([join(BIN, 'minirun'), '-H', HOST, 'run', ...words]);
    expect(ran.code).toBe(125);
    expect(ran.err).toContain(sentence);
  });
});
