/** `minirun run --through`: the same container by way of the other layers, and a story that is true. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/runc/compile/compile.ts';
import { mayCloneInto } from '../../src/runc/host/clone-into.ts';
import { probeHost } from '../../src/runc/host/probe.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { BIN, BUSYBOX, minirunIn, scratch, skipReason } from './support/minirun.ts';

const reason = skipReason({ root: true, file: BUSYBOX });
if (reason) console.log(`seams: skipped, ${reason}`);
const noStrace = reason ?? skipReason({ program: 'strace' });

interface Line {
  message?: number;
  within?: number;
  from?: string;
  to?: string;
  name?: string;
  answer?: Record<string, unknown>;
  failure?: string;
  ns?: number;
  step?: number;
  total?: number;
  actor?: string;
  call?: string;
}

const LAYERS = ['shim', 'containerd'] as const;
const linesOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const short = (name = ''): string => name.slice(name.lastIndexOf('.') + 1);

describe.skipIf(reason)('run --through', () => {
  const folder = scratch('seams');
  const { minirun, start, root } = minirunIn(join(folder, 'state'));
  const through = (layer: string, ...words: string[]) => ['run', '--rm', '--through', layer, ...words];
  const told = (layer: string, ...words: string[]) => {
    const to = join(folder, `${layer}.json`);
    const answer = minirun(through(layer, '--explain=json', '--explain-to', to, ...words));
    return { answer, lines: linesOf(to) };
  };

  /** Sockets, mounts, state and processes of containers that were run here. */
  function leftovers(): string[] {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(folder) && !line.includes('rootfs-'));
    const processes = readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(`${root}/`) && Number(pid) !== process.pid ? [line] : [];
      } catch {
        return [];
      }
    });
    const state = existsSync(join(root, '.through')) ? readdirSync(join(root, '.through')) : [];
    return [...mounts, ...processes, ...state];
  }

  /** A shim ends a moment after its last container. */
  async function nothingIsLeft(): Promise<void> {
    for (let i = 0; i < 200 && leftovers().length; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(leftovers()).toEqual([]);
  }

  for (const layer of LAYERS) {
    describe(layer, () => {
      it('gives what the direct way gives: output, input, exit codes', async () => {
        const cases: { words: string[]; input?: string }[] = [
          { words: ['sh', '-c', 'echo out; echo err >&2; exit 3'] },
          { words: ['cat'], input: 'through\nthe layers\n' },
          { words: ['sh', '-c', 'kill -9 $$'] },
          { words: ['sh', '-c', 'head -c 300000 /dev/zero | tr "\\0" x'] },
        ];
        for (const { words, input = '' } of cases) {
          const [direct, other] = [
            minirun(['run', '--rm', BUSYBOX, ...words], { input }),
            minirun(through(layer, BUSYBOX, ...words), { input }),
          ];
          expect([other.code, other.out, other.err], words.join(' ')).toEqual([direct.code, direct.out, direct.err]);
        }
        await nothingIsLeft();
      });

      it('says why a command cannot be started, with the code of the direct way', async () => {
        for (const command of ['/nowhere', 'nowhere', '/etc']) {
          const other = minirun(through(layer, BUSYBOX, command));
          expect([other.code, command]).toEqual([minirun(['run', '--rm', BUSYBOX, command]).code, command]);
          expect(other.err).toContain(command);
        }
        await nothingIsLeft();
      });

      it('has a terminal of its own with -t', () => {
        const { out, code } = minirun(through(layer, '-t', BUSYBOX, 'sh', '-c', 'test -t 0 && test -t 1 && tty'));
        expect([out.trim(), code]).toEqual(['/dev/pts/0', 0]);
      });

      it('passes signals on', async () => {
        const child = start(through(layer, BUSYBOX, 'sh', '-c', "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done"));
        await once(child.stdout, 'data');
        child.kill('SIGTERM');
        const [code] = (await once(child, 'exit')) as [number];
        expect(code).toBe(7);
        await nothingIsLeft();
      });

      it('is cleared away by the next run when minirun is killed', async () => {
        const child = start(through(layer, BUSYBOX, 'sh', '-c', 'echo ready; exec sleep 1000'));
        await once(child.stdout, 'data');
        child.kill('SIGKILL');
        await once(child, 'exit');
        expect(leftovers().length).toBeGreaterThan(1);
        expect(minirun(through(layer, BUSYBOX, 'true')).code).toBe(0);
        await nothingIsLeft();
      });

      it('tells each message once, before its answer, within the one that caused it', () => {
        const { answer, lines } = told(layer, BUSYBOX, 'sh', '-c', 'exit 3');
        expect(answer.code).toBe(3);
        const sent = lines.filter((l) => l.to !== undefined);
        expect(sent.map((l) => l.message)).toEqual(sent.map((_, i) => i + 1));
        for (const { message } of sent) {
          const own = lines.filter((l) => l.message === message);
          expect(own.map((l) => l.failure)).toEqual([undefined, undefined]);
          expect(own[1]?.ns).toBeGreaterThan(0);
        }
        const chain = (name: string): string[] => {
          const path: string[] = [];
          for (let at = sent.findLast((l) => l.to === 'runc' && l.name === name); at; at = sent.find((l) => l.message === at?.within))
            path.unshift(`${at.from} → ${at.to} ${short(at.name)}`);
          return path;
        };
        const top = layer === 'shim' ? 'minirun' : 'containerd';
        for (const [call, method] of [
          ['create', 'Create'],
          ['start', 'Start'],
        ] as const) {
          expect(chain(call)).toEqual([
            ...(layer === 'containerd' ? [`minirun → containerd Tasks/${method}`] : []),
            `${top} → shim Task/${method}`,
            `shim → runc ${call}`,
          ]);
        }
        // News come back in their order.
        const events = sent.filter((l) => l.from === 'shim' && l.to !== 'runc');
        const topics = events.map((l) => (l as { carries?: { envelope?: { topic?: string } } }).carries?.envelope?.topic);
        expect(topics).toEqual(['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete']);
        expect(lines.find((l) => l.answer?.exit_status === 3)).toBeDefined();
      });

      it("tells the program's steps, all of them, below create and start", () => {
        const { lines } = told(layer, '--network', 'none', BUSYBOX, '/bin/true');
        const steps = lines.filter((l) => l.step !== undefined);
        const total = steps[0]?.total ?? 0;
        const numbers = steps.map((l) => l.step as number).sort((a, b) => a - b);
        // The gate itself is where create ends and start begins: neither makes it.
        expect(new Set(numbers).size).toBe(numbers.length);
        expect(total - numbers.length).toBeLessThanOrEqual(1);
        const runc = lines.filter((l) => l.to === 'runc');
        const below = (name: string) => steps.filter((l) => l.within === runc.find((m) => m.name === name)?.message).length;
        expect(below('create') + below('start')).toBe(steps.length);
        expect(below('start')).toBeGreaterThan(0);
        // The program of that config is made, call by call, in this order for each process. A shim has init born in its cgroup.
        const config = JSON.parse(minirun(['spec', '--network', 'none', BUSYBOX, '/bin/true']).out) as Config;
        const program = compile(config, probeHost(config, { bundle: '/' }), {
          id: 'x',
          bundle: '/',
          cloneInto: mayCloneInto(),
        });
        for (const actor of ['runtime', 'init']) {
          const made = steps.filter((l) => l.actor === actor).map((l) => /^\w+/.exec(l.call ?? '')?.[0]);
          let at = 0;
          for (const { call, sync } of program.steps.filter((s) => s.actor === actor && !s.sync && s.call.name !== 'posix_spawn')) {
            at = made.indexOf(call.name, at) + 1;
            expect(at, `${actor}: ${call.name} ${sync ?? ''}`).toBeGreaterThan(0);
          }
        }
      });

      it('tells no secrets in messages', () => {
        // The steps tell what execve is given, here as in the direct way.
        const { lines } = told(layer, '-e', 'PASSWORD=hunter2', BUSYBOX, 'true');
        const messages = lines.filter((l) => l.message !== undefined);
        expect(messages.length).toBeGreaterThan(20);
        expect(JSON.stringify(messages)).not.toContain('hunter2');
      });

      it('tells all of it to a reader, and leaves the output alone', () => {
        const { out, err } = minirun(through(layer, '--explain', BUSYBOX, 'echo', 'hello'));
        expect(out).toBe('hello\n');
        expect(err).toMatch(/┌ \d+ {2}\w+ → shim {2}Task\/Create/);
        expect(err).toMatch(/│ ┌ \d+ {2}shim → runc {2}create/);
        expect(err).toMatch(/init {5}execve\("\/bin\/echo"/);
        expect(err).not.toContain('has had no answer');
      });
    });
  }

  it('draws it', () => {
    const to = join(folder, 'story.html');
    expect(minirun(through('containerd', '--explain=html', '--explain-to', to, BUSYBOX, 'true')).code).toBe(0);
    const page = readFileSync(to, 'utf8');
    for (const part of ['minirun', 'containerd', 'shim', 'runc', 'init']) expect(page).toContain(`>${part}</span>`);
    expect(page).toContain('When it ran');
    expect(page).not.toMatch(/<(link|img|iframe)|\bsrc=/);
  });

  it('tells blocks of text where somebody else starts the shim', async () => {
    const to = join(folder, 'blocks');
    minirun(through('shim', '--name', 'told', BUSYBOX, 'true'), { env: { MINIRUN_EXPLAIN: to } });
    await nothingIsLeft();
    const blocks = readFileSync(to, 'utf8')
      .split(/^(?=== )/m)
      .slice(1);
    const of = (name: string) => blocks.filter((b) => b.startsWith(`== ${name} `));
    expect(of('Task/Create')).toHaveLength(1);
    expect(of('Task/Create')[0]).toContain('shim → runc  create');
    expect(of('Task/Create')[0]).toMatch(/A container is made in \d+ steps/);
    expect(of('Task/Start')[0]).toMatch(/execve\("\/bin\/true"/);
    expect(blocks.every((b) => /told by shim, process \d+\n/.test(b))).toBe(true);
  });

  it('refuses what these layers cannot do, before anything is made', () => {
    const refused = (...words: string[]) => minirun(['run', ...words, BUSYBOX, 'true']);
    for (const [words, sentence] of [
      [['--through', 'shim'], 'add --rm'],
      [['--rm', '-d', '--through', 'shim'], 'leave -d out'],
      [['--rm', '--step', '--through', 'shim'], 'leave --step out'],
      [['--rm', '--through', 'runc'], 'choose shim or containerd'],
      [['--rm', '--explain=html'], '--through containerd'],
    ] as const) {
      const { code, err } = refused(...words);
      expect([code, words]).toEqual([125, words]);
      expect(err).toContain(sentence);
    }
    expect(leftovers()).toEqual([]);
  });
});

/** The proof that nothing is left out: what strace sees in the sockets. */
describe.skipIf(noStrace)('seams under strace', () => {
  const folder = scratch('seams-strace');
  it('every request that goes into a socket is told, and no other', () => {
    const [trace, story] = [join(folder, 'trace'), join(folder, 'story')];
    const command = [process.execPath, BIN, '--root', join(folder, 'state'), 'run', '--rm', '--through', 'containerd'];
    const done = spawnSync(
      'strace',
      [
        '-f',
        '-qq',
        '-s',
        '200',
        '-e',
        'trace=write,writev,sendto,sendmsg',
        '-e',
        'signal=none',
        '-o',
        trace,
        ...command,
        '--explain=json',
        '--explain-to',
        story,
        BUSYBOX,
        'true',
      ],
      { encoding: 'utf8', timeout: 120_000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1) },
    );
    expect(done.status, done.stderr).toBe(0);
    // ttrpc's request: field 1 is the service, field 2 the method, field 3 the payload.
    const request = /(containerd\.[\w.]+)\\22(?:\\\d{1,3}|\\[a-z])([A-Z]\w*)(?=\\32|\\0|"|\\)/g;
    const seen = [...readFileSync(trace, 'utf8').matchAll(request)].map((m) => `${m[1]}/${m[2]}`);
    const told = linesOf(story)
      .filter((l) => l.to !== undefined && (l as { protocol?: string }).protocol === 'ttrpc')
      .map((l) => l.name as string);
    expect(told.length).toBeGreaterThanOrEqual(8);
    expect(seen.sort()).toEqual(told.sort());
  });
});
