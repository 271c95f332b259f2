/** Attacks on the runtime at create, start and exec: what runc learnt from its CVEs. Those with mounts are in a file of their own. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execInContainer } from '../../src/runc/container/exec.ts';
import { viewOf } from '../../src/runc/container/state.ts';
import { initBinaryPath } from '../../src/runc/engine/installed.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, leaveNothing, MINIRUN_RUNC, runtimeIn, writeBundle } from './support/runtime.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`runc-attacks: skipped, ${reason}`);

describe.skipIf(reason)('attacks on the runtime', () => {
  const folder = scratch('runc-attacks');
  const root = join(folder, 'state');
  const runtime = runtimeIn(root);
  leaveNothing(runtime);
  const bundleOf = (id: string, args: string[], change?: (config: Config) => void) =>
    writeBundle(join(folder, id), id, bundleConfig(args, change));

  /** CVE-2016-9962. A process in the container looks at each step of an exec what it can reach through /proc. */
  describe('CVE-2016-9962: a process in the container watches an exec', () => {
    const [question, answer] = [join(BUSYBOX, 'question'), join(BUSYBOX, 'answer')];
    const secret = join(folder, 'secret');
    // For each process but itself: which of its files lead out, as far as it may look.
    const LOOK = `while read go < /question; do
      for p in /proc/[0-9]*; do
        case $p in /proc/1|/proc/$$) continue;; esac
        [ -e $p/root${secret} ] && echo root;
        [ -e $p/cwd${secret} ] && echo cwd;
        for fd in $p/fd/*; do [ -e $fd${secret} ] && echo $fd; case $(readlink $fd) in mnt:*|pid:*|user:*|net:*) echo $fd;; esac; done;
        readlink $p/exe;
      done > /answer 2>/dev/null; done`;
    beforeAll(() => {
      writeFileSync(secret, 'secret');
      for (const path of [question, answer]) expect(spawnSync('mkfifo', [path]).status).toBe(0);
    });
    afterAll(() => {
      for (const path of [question, answer]) rmSync(path, { force: true });
    });

    it.each([
      ['without privileges', []],
      ['that may trace others', ['CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', 'CAP_DAC_OVERRIDE']],
    ])('%s', async (what, capabilities) => {
      const id = newId();
      const bundle = bundleOf(id, ['sh', '-c', LOOK], (config) => {
        if (config.process) config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
      });
      expect(runtime(['run', '-d', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
      try {
        const view = viewOf(root, id);
        const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as Config;
        if (!view || !config.process) throw new Error('no container');
        const seen = new Map<string, string>();
        let looks = 0;
        const ended = await execInContainer(view, {
          stateRoot: root,
          id,
          process: { ...config.process, args: ['true'] },
          engine: 'native',
          warn: () => {},
          observer: {
            begin({ step, pid }) {
              if (step.actor !== 'init' || pid === undefined) return;
              looks++;
              writeFileSync(question, 'go\n');
              for (const line of readFileSync(answer, 'utf8').split('\n').filter(Boolean)) seen.set(line, step.call.name);
            },
          },
        });
        expect(ended.code).toBe(0);
        expect(looks).toBeGreaterThan(15);
        // Who may trace others sees the sealed copy of minirun-init: that is no secret, and cannot be written to.
        if (capabilities.length) seen.delete('/memfd:minirun-init (deleted)');
        expect([...seen], what).toEqual([]);
      } finally {
        runtime(['delete', '--force', id]);
      }
    });
  });

  /** A caller that leaks folders of the host into the runtime, at low and at high numbers. */
  const LEAKS = [5, 9, 50, 200];
  const leaking = runtimeIn(root, ['bash', '-c', `${LEAKS.map((fd) => `exec ${fd}</`).join('; ')}; exec "$@"`, 'bash', MINIRUN_RUNC]);

  describe('CVE-2024-21626: descriptors of the host', () => {
    const PLACES = [0, 3, 4, 7, ...LEAKS];

    it('cannot be the working directory of the first command', () => {
      for (const fd of PLACES) {
        const id = newId();
        const bundle = bundleOf(id, ['sh', '-c', 'ls ../../../../tmp/; pwd'], (config) => {
          if (config.process) config.process.cwd = `/proc/self/fd/${fd}`;
        });
        const answer = leaking(['run', '--bundle', bundle, id]);
        expect(answer.code, `descriptor ${fd}: ${answer.out}`).not.toBe(0);
        expect(answer.out).toBe('');
        expect(answer.err).toMatch(/chdir|working directory/);
        if (fd % 2) expect(leaking(['create', '--bundle', bundle, id]).code, `descriptor ${fd}`).not.toBe(0);
      }
    });

    it('nor when standard input is a folder of the host', () => {
      const id = newId();
      const bundle = bundleOf(id, ['sh', '-c', 'pwd; ls'], (config) => {
        if (config.process) config.process.cwd = '/proc/self/fd/0';
      });
      const directory = runtimeIn(root, ['bash', '-c', 'exec "$@" </', 'bash', MINIRUN_RUNC]);
      const answer = directory(['run', '--bundle', bundle, id]);
      expect(answer.code).toBe(1);
      expect(answer.out).toBe('');
      expect(answer.err).toMatch(/lies outside of the container/);
    });

    it('nor of an exec, by its name or through a link of the image', () => {
      const id = newId();
      expect(runtime(['run', '-d', '--bundle', bundleOf(id, ['sleep', '60']), id])).toMatchObject({ code: 0, err: '' });
      const link = join(BUSYBOX, 'leak');
      try {
        for (const fd of PLACES) {
          symlinkSync(`/proc/self/fd/${fd}`, link);
          for (const cwd of fd % 2 ? [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../..`] : ['/leak']) {
            const answer = leaking(['exec', '--cwd', cwd, id, 'sh', '-c', 'pwd; ls']);
            expect(answer.code, `${cwd}, descriptor ${fd}: ${answer.out}`).toBe(255);
            expect(answer.out).toBe('');
          }
          rmSync(link);
        }
      } finally {
        rmSync(link, { force: true });
        runtime(['delete', '--force', id]);
      }
    });
  });

  it('what a caller leaks reaches neither init, nor exec, nor hooks', () => {
    const id = newId();
    const notes = join(folder, 'leaked');
    const list = `for fd in /proc/self/fd/*; do echo "$fd $(readlink $fd)"; done`;
    const hook = (kind: string, path: string) => ({ path: '/bin/sh', args: ['sh', '-c', `ls -l /proc/self/fd > ${path}-${kind}`] });
    const bundle = bundleOf(id, ['sh', '-c', `${list} > /leaked-init; sleep 60`], (config) => {
      config.hooks = {
        prestart: [hook('prestart', notes)],
        createRuntime: [hook('createRuntime', notes)],
        createContainer: [hook('createContainer', notes)],
        startContainer: [hook('startContainer', '/leaked')],
        poststart: [hook('poststart', notes)],
        poststop: [hook('poststop', notes)],
      };
    });
    try {
      expect(leaking(['create', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
      const { pid } = JSON.parse(runtime(['state', id]).out) as { pid: number };
      // Before its start: its streams, the gate, and the socket whose other end is gone.
      expect(
        readdirSync(`/proc/${pid}/fd`)
          .map(Number)
          .every((fd) => fd < 6),
      ).toBe(true);
      expect(leaking(['start', id])).toMatchObject({ code: 0, err: '' });
      const exec = leaking(['exec', id, 'sh', '-c', list]);
      expect(exec.code).toBe(0);
      expect(leaking(['delete', '--force', id])).toMatchObject({ code: 0, err: '' });
      const texts = {
        exec: exec.out,
        init: readFileSync(join(BUSYBOX, 'leaked-init'), 'utf8'),
        startContainer: readFileSync(join(BUSYBOX, 'leaked-startContainer'), 'utf8'),
      };
      for (const kind of ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'])
        Object.assign(texts, { [kind]: readFileSync(`${notes}-${kind}`, 'utf8') });
      for (const [who, text] of Object.entries(texts)) {
        const numbers = [...text.matchAll(/(?:fd\/|\s)(\d+) (?:->)?/g)].map((match) => Number(match[1]));
        expect(text, who).not.toMatch(/ (-> )?\/$/m);
        for (const fd of LEAKS.filter((n) => n > 5)) expect(text, who).not.toMatch(new RegExp(`(fd/|\\s)${fd} `));
        expect(numbers.length, `${who}: ${text}`).toBeGreaterThan(2);
      }
    } finally {
      runtime(['delete', '--force', id]);
      for (const name of ['init', 'startContainer']) rmSync(join(BUSYBOX, `leaked-${name}`), { force: true });
    }
  });

  describe('CVE-2019-5736: the program of the runtime', () => {
    const digest = () => [initBinaryPath(), process.execPath].map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'));

    it('is out of reach of an entrypoint that is /proc/self/exe, or a script for it', () => {
      const before = digest();
      const script = join(BUSYBOX, 'evil');
      writeFileSync(script, '#!/proc/self/exe\n');
      chmodSync(script, 0o755);
      try {
        for (const command of ['/proc/self/exe', '/evil']) {
          const id = newId();
          const bundle = bundleOf(id, [command, '3']);
          const run = runtime(['run', '--bundle', bundle, id]);
          expect(run.code, `${command}: ${run.out}`).not.toBe(0);
          // It may be created: what /proc/self/exe leads to depends on who looks.
          if (runtime(['create', '--bundle', bundle, id]).code === 0) runtime(['start', id]);
          runtime(['delete', '--force', id]);
          const running = newId();
          expect(runtime(['run', '-d', '--bundle', bundleOf(running, ['sleep', '60']), running])).toMatchObject({ code: 0, err: '' });
          expect(runtime(['exec', running, command, '3']).code).not.toBe(0);
          runtime(['delete', '--force', running]);
        }
      } finally {
        rmSync(script);
      }
      expect(digest()).toEqual(before);
    });

    it('cannot be written to by a process that catches it on its way in', async () => {
      const before = digest();
      const id = newId();
      const CATCH = `while :; do for p in /proc/[0-9]*; do case "$(readlink $p/exe)" in *minirun*|*node*) echo caught >> /caught; echo evil > $p/exe && echo wrote >> /caught;; esac; done; done 2>/dev/null`;
      const bundle = bundleOf(id, ['sh', '-c', CATCH], (config) => {
        const capabilities = ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE', 'CAP_SYS_ADMIN'];
        if (config.process) config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
      });
      const caught = join(BUSYBOX, 'caught');
      expect(runtime(['run', '-d', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
      try {
        for (let round = 0; round < 4; round++)
          for (const { code } of await Promise.all([1, 2, 3].map(() => runtime.start(['exec', id, 'true']).answer))) expect(code).toBe(0);
      } finally {
        runtime(['delete', '--force', id]);
      }
      if (existsSync(caught)) expect(readFileSync(caught, 'utf8')).not.toMatch(/wrote/);
      rmSync(caught, { force: true });
      expect(digest()).toEqual(before);
    });
  });

  it('CVE-2022-24769: inheritable capabilities are empty, in the first command and in execs', () => {
    const id = newId();
    const given = ['CAP_CHOWN', 'CAP_KILL'];
    const all = { bounding: given, effective: given, permitted: given };
    const bundle = bundleOf(id, ['sh', '-c', 'grep CapInh /proc/self/status > /inherited; sleep 60'], (config) => {
      if (config.process) config.process.capabilities = all;
    });
    expect(runtime(['run', '-d', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
    try {
      const exec = (...options: string[]) => runtime(['exec', ...options, id, 'grep', 'CapInh', '/proc/self/status']).out;
      for (const text of [
        readFileSync(join(BUSYBOX, 'inherited'), 'utf8'),
        exec(),
        exec('--user', '1000'),
        exec('--cap', 'CAP_SYS_ADMIN'),
        exec('--user', '5', '--cap', 'CAP_SYS_ADMIN'),
      ])
        expect(text).toBe('CapInh:\t0000000000000000\n');
    } finally {
      runtime(['delete', '--force', id]);
      rmSync(join(BUSYBOX, 'inherited'), { force: true });
    }
  });

  it('groups of the caller stay outside', () => {
    const grouped = runtimeIn(root, ['setpriv', '--groups', '4242,4343', MINIRUN_RUNC]);
    const id = newId();
    const bundle = bundleOf(id, ['sh', '-c', 'id -G']);
    expect(grouped(['run', '--bundle', bundle, id])).toMatchObject({ code: 0, out: '0\n' });
    expect(runtime(['run', '-d', '--bundle', bundleOf(id, ['sleep', '60']), id])).toMatchObject({ code: 0, err: '' });
    expect(grouped(['exec', id, 'id', '-G'])).toMatchObject({ code: 0, out: '0\n' });
    expect(grouped(['exec', '--user', '7:8', id, 'id', '-G'])).toMatchObject({ code: 0, out: '8\n' });
    runtime(['delete', '--force', id]);
  });

  it('the state of a container is for its owner alone, whatever the umask of the caller', () => {
    const careless = runtimeIn(join(folder, 'careless'), ['sh', '-c', 'umask 0; exec "$@"', 'sh', MINIRUN_RUNC]);
    const id = newId();
    expect(careless(['create', '--bundle', bundleOf(id, ['sleep', '60']), id])).toMatchObject({ code: 0, err: '' });
    try {
      const mode = (...path: string[]) => (lstatSync(join(folder, 'careless', ...path)).mode & 0o777).toString(8);
      expect(mode()).toBe('700');
      expect(mode(id)).toBe('700');
      const files = readdirSync(join(folder, 'careless', id));
      expect(files).toContain('gate');
      for (const file of files) expect(mode(id, file), file).toBe('600');
      // Nobody else can start it, or learn of it.
      const other = spawnSync(
        'setpriv',
        ['--reuid', '64123', '--clear-groups', process.execPath, MINIRUN_RUNC, '--root', join(folder, 'careless'), 'start', id],
        {
          encoding: 'utf8',
        },
      );
      expect(other.status).not.toBe(0);
      expect(JSON.parse(careless(['state', id]).out).status).toBe('created');
    } finally {
      careless(['delete', '--force', id]);
    }
  });

  it('an id cannot lead out of the folder of states', () => {
    for (const id of ['..', '.', '../x', 'a/b', '/etc', '.names', 'a\nb', '']) {
      expect(runtime(['delete', '--force', '--', id]).code, JSON.stringify(id)).toBe(1);
      expect(runtime(['state', '--', id]).code, JSON.stringify(id)).toBe(1);
    }
    expect(readdirSync(folder)).toContain('state');
  });
});
