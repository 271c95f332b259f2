/** SCMP_ACT_NOTIFY: what an agent gets, and that it decides. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { closeFd } from '../../src/libc/fd.ts';
import { syscallNumber } from '../../src/libc/syscalls.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Seccomp } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, runtimeIn, writeBundle } from './support/runtime.ts';
import { agentAt } from './support/seccomp-agent.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`seccomp-notify: skipped, ${reason}`);

const ENOMEDIUM = 123;

describe.skipIf(reason)('a seccomp agent', () => {
  const folder = scratch('notify');
  const runtime = runtimeIn(join(folder, 'state'));

  /** A bundle whose profile leaves these calls to an agent of its own. */
  function withAgent(calls: string[], args: string[], change: Partial<Seccomp> = {}, noNewPrivileges = true) {
    const id = newId();
    const path = join(folder, `${id.slice(0, 8)}.sock`);
    const agent = agentAt(path);
    const bundle = writeBundle(
      join(folder, id),
      id,
      bundleConfig(args, (config) => {
        config.annotations = { some: 'an "annotation"', pid: '"pid":987654321' };
        if (config.process) config.process.noNewPrivileges = noNewPrivileges;
        config.linux = {
          ...config.linux,
          seccomp: {
            defaultAction: 'SCMP_ACT_ALLOW',
            listenerPath: path,
            listenerMetadata: 'of the agent',
            syscalls: [{ names: calls, action: 'SCMP_ACT_NOTIFY' }],
            ...change,
          },
        };
      }),
    );
    const end = () => {
      agent.close();
      rmSync(path, { force: true });
      runtime(['delete', '--force', id]);
      expect(tracesOf(id)).toEqual([]);
    };
    return { id, bundle, agent, path, end };
  }

  const COMMAND = ['sh', '-c', 'mkdir /tmp/x; mkdir /tmp/y && rmdir /tmp/y'];

  it.each([
    ['with no_new_privs', true, ['mkdir', 'mkdirat']],
    ['without', false, ['mkdir', 'mkdirat']],
    ['that decides about sendmsg, too', true, ['mkdir', 'mkdirat', 'sendmsg']],
  ])('decides: %s', async (_, noNewPrivileges, calls) => {
    const box = withAgent(calls, COMMAND, {}, noNewPrivileges);
    try {
      const run = runtime.start(['run', '--bundle', box.bundle, box.id]);
      const { listener, text } = box.agent.take();
      const state = JSON.parse(text);
      expect(state).toEqual({
        ociVersion: expect.stringMatching(/^1\./),
        fds: ['seccompFd'],
        pid: expect.any(Number),
        metadata: 'of the agent',
        state: {
          ociVersion: expect.stringMatching(/^1\./),
          id: box.id,
          status: 'creating',
          pid: state.pid,
          bundle: box.bundle,
          annotations: { some: 'an "annotation"', pid: '"pid":987654321' },
        },
      });
      // The number is the process's own on this side: its children are what asks.
      let status = '';
      box.agent.answer(listener, ENOMEDIUM, 10, (pid) => {
        status = readFileSync(`/proc/${pid}/status`, 'utf8');
      });
      expect(status).toMatch(new RegExp(`^PPid:\\s${state.pid}$`, 'm'));
      box.agent.answer(listener, 0);
      closeFd(listener);
      const { err, code } = await run.answer;
      expect(err).toMatch(/mkdir: .*'\/tmp\/x': No medium found/);
      expect(err).not.toContain('/tmp/y');
      expect(code).toBe(0);
    } finally {
      box.end();
    }
  });

  it('decides about calls that init makes itself: read, fcntl, execve', async () => {
    const box = withAgent(['read', 'fcntl', 'openat', 'execve'], ['/bin/true']);
    try {
      const run = runtime.start(['run', '--bundle', box.bundle, box.id]);
      const { listener } = box.agent.take();
      const asked: number[] = [];
      for (;;) {
        const one = box.agent.answer(listener, 0, asked.length ? 1 : 10);
        if (one === undefined) break;
        asked.push(one);
      }
      closeFd(listener);
      expect(asked[0]).toBe(syscallNumber('execve', process.arch === 'arm64' ? 'arm64' : 'x64'));
      expect(await run.answer).toMatchObject({ code: 0, err: '' });
    } finally {
      box.end();
    }
  });

  it('gets a listener of its own for each exec, when a created container is started, and after its end calls fail', async () => {
    const box = withAgent(['mkdir', 'mkdirat'], ['sleep', '1000']);
    try {
      expect(runtime(['create', '--bundle', box.bundle, box.id])).toMatchObject({ code: 0, err: '' });
      const { pid } = JSON.parse(runtime(['state', box.id]).out);
      const started = runtime.start(['start', box.id]);
      const own = box.agent.take();
      expect(JSON.parse(own.text)).toMatchObject({ pid, state: { pid, status: 'creating' } });
      expect(await started.answer).toMatchObject({ code: 0, err: '' });

      const exec = runtime.start(['exec', box.id, 'sh', '-c', 'mkdir /tmp/z']);
      const other = box.agent.take();
      const state = JSON.parse(other.text);
      expect(state).toMatchObject({ state: { id: box.id, pid, status: 'running', bundle: box.bundle } });
      expect(state.pid).not.toBe(pid);
      expect(box.agent.answer(other.listener, ENOMEDIUM)).toBeDefined();
      expect(await exec.answer).toMatchObject({ code: 1, err: expect.stringContaining('No medium found') });

      // Nobody listens any more.
      const orphan = runtime.start(['exec', box.id, 'sh', '-c', 'mkdir /tmp/z']);
      closeFd(box.agent.take().listener);
      expect(await orphan.answer).toMatchObject({ err: expect.stringContaining('Function not implemented') });
      closeFd(own.listener);
      closeFd(other.listener);
    } finally {
      box.end();
    }
  });

  it.each([
    ['nobody listens there', (path: string) => path],
    ['an abstract name that nobody has', () => '@minirun-nobody'],
  ])('that is not there is said before anything is made: %s', (_, pathOf) => {
    const box = withAgent(['mkdir'], COMMAND);
    try {
      box.agent.close();
      rmSync(box.path, { force: true });
      writeBundle(
        box.bundle,
        box.id,
        bundleConfig(COMMAND, (config) => {
          config.linux = {
            ...config.linux,
            seccomp: {
              defaultAction: 'SCMP_ACT_ALLOW',
              listenerPath: pathOf(box.path),
              syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
            },
          };
        }),
      );
      const { code, err } = runtime(['create', '--bundle', box.bundle, box.id]);
      expect(code).toBe(1);
      expect(err).toContain('failed to connect with seccomp agent');
      expect(tracesOf(box.id)).toEqual([]);
    } finally {
      runtime(['delete', '--force', box.id]);
    }
  });

  it('that has hung up is an error of start', () => {
    const box = withAgent(['mkdir', 'mkdirat'], COMMAND);
    try {
      expect(runtime(['create', '--bundle', box.bundle, box.id])).toMatchObject({ code: 0, err: '' });
      box.agent.hangUp();
      const { code, err } = runtime(['start', box.id]);
      expect(code).toBe(1);
      expect(err).toMatch(/EPIPE|ECONNRESET/);
      expect(err).toMatch(/seccomp agent has closed the connection/);
    } finally {
      box.end();
    }
  });

  it('is not asked for when the profile leaves nothing to it', async () => {
    const box = withAgent([], ['true'], { syscalls: [] });
    try {
      box.agent.close();
      rmSync(box.path);
      expect(runtime(['run', '--bundle', box.bundle, box.id])).toMatchObject({ code: 0, err: '' });
    } finally {
      runtime(['delete', '--force', box.id]);
    }
  });

  it('the container has no descriptor of it', async () => {
    const box = withAgent(['mkdir'], ['ls', '/proc/self/fd']);
    try {
      const run = runtime.start(['run', '--bundle', box.bundle, box.id]);
      closeFd(box.agent.take().listener);
      const { out } = await run.answer;
      expect(out).toBe('0\n1\n2\n3\n'); // three streams, and the folder that ls reads
    } finally {
      box.end();
    }
  });
});
