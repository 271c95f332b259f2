/**
 * The documentation, run: every ```sh block of README.md and docs/ is typed into a shell, as a
 * reader would, in a folder that has a copy of the busybox fixture as `rootfs` and docs/ as `docs`. See
 * support/shell-blocks.ts for how a block is written, and CONDITIONS for the words after `sh`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCgroupFacts } from '../../src/runc/host/cgroup-facts.ts';
import { kernelVersion } from '../../src/runc/host/probe.ts';
import { BUSYBOX, minirunIn, ORDINARY, PROJECT, scratch, skipReason, until } from './support/minirun.ts';
import { outputMatches, type ShellBlock, shellBlocks } from './support/shell-blocks.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX });
if (reason) console.log(`docs: skipped, ${reason}`);

const DOCS = join(PROJECT, 'docs');
const pages = [
  join(PROJECT, 'README.md'),
  ...readdirSync(DOCS, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => join(DOCS, name)),
];

const facts = readCgroupFacts(process.getuid?.() ?? 0);
const [major, minor] = kernelVersion(release());

/** A word after `sh` → why the block cannot be run here, or undefined. Further words: `approx`, `user`. */
const CONDITIONS: [pattern: RegExp, unmet: (argument: string) => string | undefined][] = [
  [/^approx$/, () => undefined],
  [/^user$/, () => undefined],
  [/^v1$/, () => (Object.keys(facts.v1).length > 0 ? undefined : 'needs cgroup v1 controllers')],
  [/^v2$/, () => (facts.mode === 'v2' ? undefined : 'needs a machine with cgroup v2 alone')],
  [/^x64$/, () => (process.arch === 'x64' ? undefined : 'needs an x86-64 processor')],
  [/^criu$/, () => (spawnSync('criu', ['check']).status === 0 ? undefined : 'needs a criu that fits the kernel (criu check)')],
  [/^with-(.+)$/, (program) => skipReason({ program })],
  [
    /^linux-(\d+\.\d+)$/,
    (version) => {
      const [a = 0, b = 0] = version.split('.').map(Number);
      return major > a || (major === a && minor >= b) ? undefined : `needs Linux ${version}`;
    },
  ],
];

/** @throws Error for a word that means nothing: a misspelt condition must not skip a block for ever */
function unmetCondition(words: readonly string[]): string | undefined {
  for (const word of words) {
    const condition = CONDITIONS.find(([pattern]) => pattern.test(word));
    if (!condition) throw new Error(`unknown word "${word}" after sh`);
    const [pattern, unmet] = condition;
    const why = unmet(pattern.exec(word)?.[1] ?? '');
    if (why !== undefined) return why;
  }
  return undefined;
}

const END = '\u0001';
const slowness = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);

interface Place {
  folder: string;
  state: string;
  uid: number;
}

/** Types a block into one shell. Returns what each command printed, output and errors as they came. */
async function typed(block: ShellBlock, { folder, state, uid }: Place, file: string): Promise<string[]> {
  const script = block.commands.map(({ text }) => `${text}\nstatus=$?; printf '${END}'; (exit $status)`).join('\n');
  const output = openSync(file, 'w');
  const input = openSync('/dev/null', 'r');
  const shell = spawn('/bin/sh', ['-c', script], {
    cwd: folder,
    // script(1) types an end-of-file into its terminal when its own input ends: it gets one that stays open.
    stdio: [/\bscript -/.test(script) ? 'pipe' : input, output, output],
    env: {
      // A shim that has nothing left to hold ends at once: nobody comes back to it here.
      MINIRUN_SHIM_LINGER: '1',
      PATH: [join(PROJECT, 'bin'), dirname(process.execPath), process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter),
      HOME: folder,
      LC_ALL: 'C.UTF-8',
      MINIRUN_ROOT: state,
      MINIRUN_SOURCE: PROJECT,
    },
    ...(uid ? { uid, gid: uid } : {}),
    timeout: 60_000 * slowness,
    killSignal: 'SIGKILL',
  });
  await new Promise((resolve, reject) => shell.on('exit', resolve).on('error', reject));
  shell.stdin?.destroy();
  closeSync(output);
  closeSync(input);
  return readFileSync(file, 'utf8').split(END);
}

const linesOf = (text: string): string[] => {
  const lines = text.split('\n').map((line) => line.trimEnd());
  if (lines.at(-1) === '') lines.pop();
  return lines;
};

describe('the documentation', () => {
  it('has pages, and each page of docs/ can be reached from its index', () => {
    expect(pages.length).toBeGreaterThan(10);
    const index = readFileSync(join(DOCS, 'README.md'), 'utf8') + readFileSync(join(DOCS, 'notes/README.md'), 'utf8');
    for (const page of pages) {
      const path = relative(DOCS, page);
      if (path === 'README.md' || path.startsWith('..')) continue;
      expect(index, `${path} in an index`).toContain(
        `(${path.startsWith('notes/') && path !== 'notes/README.md' ? path.slice('notes/'.length) : path})`,
      );
    }
  });

  it('links to files that exist', () => {
    for (const page of [...pages, join(PROJECT, 'CONTRIBUTING.md')]) {
      const text = readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
      for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        expect(skipReason({ file: join(dirname(page), target) }), `${relative(PROJECT, page)} → ${target}`).toBeUndefined();
      }
    }
  });
});

describe.skipIf(reason)('commands of the documentation', () => {
  const all = scratch('docs');
  pages.forEach((page, number) => {
    const name = relative(PROJECT, page);
    const blocks = shellBlocks(readFileSync(page, 'utf8'));
    if (blocks.length === 0) return;

    describe(name, () => {
      const top = join(all, String(number));
      const { minirun } = minirunIn(join(top, 'state'));
      const root: Place = { folder: join(top, 'root'), state: join(top, 'state'), uid: 0 };
      const user: Place = { folder: join(top, 'user'), state: join(top, 'state-user'), uid: ORDINARY };

      beforeAll(() => {
        mkdirSync(top);
        chmodSync(top, 0o777);
        for (const place of [root, user]) {
          if (place === user && !blocks.some((b) => b.words.includes('user'))) continue;
          mkdirSync(place.folder);
          spawnSync('cp', ['-a', BUSYBOX, join(place.folder, 'rootfs')]);
          symlinkSync(DOCS, join(place.folder, 'docs'));
          if (!place.uid) continue;
          chownSync(place.folder, place.uid, place.uid);
          // Root's files, but for the folder of root's own: the owner is root inside as well.
          spawnSync('chown', ['-R', `${place.uid}:${place.uid}`, join(place.folder, 'rootfs')]);
        }
      });

      for (const block of blocks) {
        it(`line ${block.line}: ${block.commands[0]?.text.split('\n')[0] ?? 'nothing'}`, async (context) => {
          const unmet = unmetCondition(block.words);
          if (unmet !== undefined) context.skip(unmet);
          const outputs = await typed(block, block.words.includes('user') ? user : root, join(top, 'output'));
          block.commands.forEach(({ text, expected, line }, i) => {
            const actual = linesOf(outputs[i] ?? '');
            if (outputMatches(expected, actual, block.words.includes('approx'))) return;
            expect(actual.join('\n'), `${name}:${line}: $ ${text}`).toBe(expected.join('\n'));
            throw new Error(`${name}:${line}: the output equals what is shown and still does not match`);
          });
          expect(outputs, `${name}:${block.line}: every command came to its end`).toHaveLength(block.commands.length + 1);
        });
      }

      afterAll(async () => {
        const left = [minirun(['ps', '-a', '-q']), minirun(['ps', '-a', '-q'], { uid: ORDINARY })];
        left.forEach(({ out }, i) => {
          for (const id of out.split('\n').filter(Boolean)) minirun(['rm', '-f', id], i ? { uid: ORDINARY } : {});
        });
        expect(
          left.map(({ out }) => out),
          `${name} leaves no container`,
        ).toEqual(['', '']);
        // A shim that has nothing left to hold still tries for some seconds to say so.
        await until('what ends ends', () => tracesOf(top).length === 0).catch(() => {});
        expect(tracesOf(top), `${name} leaves no mount and no process`).toEqual([]);
      });
    });
  });
});
