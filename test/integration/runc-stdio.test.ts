/** What an engine hands to a container through the runtime: descriptors, sockets of a service manager, terminals. */
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { call, closeFd, receiveDescriptor } from '../../src/libc/fd.ts';
import { must } from '../../src/libc/ffi.ts';
import { waitReadable } from '../../src/libc/process.ts';
import { listenAt } from '../../src/libc/unix-socket.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, scratch, skipReason, until } from './support/minirun.ts';
import { bundleConfig, type CallOptions, leaveNothing, runtimeIn, writeBundle } from './support/runtime.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`runc-stdio: skipped, ${reason}`);

describe.skipIf(reason)('what comes through the runtime', () => {
  const folder = scratch('runc-stdio');
  const runtime = runtimeIn(join(folder, 'state'));
  leaveNothing(runtime);
  const bundleOf = (id: string, args: string[], terminal = false) =>
    writeBundle(
      join(folder, id),
      id,
      bundleConfig(args, (config) => {
        if (config.process) config.process.terminal = terminal;
      }),
    );
  const file = (text: string): number => {
    const path = join(folder, `file-${text}`);
    writeFileSync(path, text);
    return openSync(path, 'r');
  };
  /** The command's own descriptors: `ls` has one more, for the folder that it lists. */
  const LIST = 'for fd in 3 4 5 6 7; do readlink /proc/self/fd/$fd; done; true';
  function withFiles<T>(texts: string[], act: (fds: number[]) => T): T {
    const fds = texts.map(file);
    try {
      return act(fds);
    } finally {
      fds.forEach(closeSync);
    }
  }

  it('--preserve-fds: those that follow standard error, for run, create and exec', () => {
    withFiles(['three', 'four', 'five'], (fds) => {
      const command = ['sh', '-c', `cat <&3; echo; cat <&4; echo; ${LIST}`];
      const id = newId();
      const bundle = bundleOf(id, command);
      const run = runtime(['run', '--bundle', bundle, '--preserve-fds', '2', id], { fds });
      expect(run).toMatchObject({ code: 0, err: '' });
      expect(run.out.split('\n').slice(0, 2)).toEqual(['three', 'four']);
      // Not the third one, which was not asked for.
      expect(run.out).not.toMatch(/file-five/);
    });
    withFiles(['six', 'seven'], (fds) => {
      const id = newId();
      const bundle = bundleOf(id, ['sh', '-c', 'cat <&3; sleep 60']);
      const options: CallOptions = { fds };
      expect(runtime(['create', '--bundle', bundle, '--preserve-fds=1', id], options)).toMatchObject({ code: 0, err: '' });
      try {
        expect(runtime(['start', id])).toMatchObject({ code: 0, err: '' });
        const exec = runtime(
          ['exec', '--preserve-fds', '2', id, 'sh', '-c', `readlink /proc/self/fd/4; readlink /proc/1/fd/3; ${LIST}`],
          options,
        );
        expect(exec.out).toMatch(/file-seven\n.*file-six\n.*file-six\n.*file-seven\n$/);
      } finally {
        runtime(['delete', '--force', id]);
      }
    });
  });

  it('LISTEN_FDS: the sockets of a service manager and their names, for process 1', () => {
    withFiles(['socket', 'extra'], (fds) => {
      const id = newId();
      const bundle = bundleOf(id, ['sh', '-c', `echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; cat <&3; echo; ${LIST}`]);
      const env = { LISTEN_FDS: '1', LISTEN_FDNAMES: 'web', LISTEN_PID: '77' };
      const one = runtime(['run', '--bundle', bundle, id], { fds, env });
      expect(one).toMatchObject({ code: 0, err: '' });
      expect(one.out).toMatch(/^1 1 web\nsocket\n.*file-socket\n$/);
      const two = runtime(['run', '--bundle', bundle, '--preserve-fds', '1', id], { fds, env });
      expect(two.out).toMatch(/file-socket\n.*file-extra\n$/);
    });
  });

  it('descriptors that the caller has not opened are none of ours', () => {
    const id = newId();
    const bundle = bundleOf(id, ['sh', '-c', LIST]);
    for (const fds of [[], [openSync('/dev/null', 'r')]]) {
      const answer = runtime(['run', '--bundle', bundle, '--preserve-fds', '4', id], { fds });
      // Node's own are in those places.
      expect(`${answer.out}${answer.err}`).not.toMatch(/anon_inode|pipe:|socket:|memfd/);
    }
  });

  /** Takes the terminal that comes over the socket while `act` goes on. */
  async function withConsole(act: (path: string) => Promise<void>): Promise<(until: RegExp) => string> {
    const path = join(folder, `console-${newId().slice(0, 8)}`);
    const listening = listenAt(path, 'stream');
    let master: number | undefined;
    try {
      const acting = act(path);
      await until('the runtime connects', () => waitReadable(listening, 0));
      const connection = must('accept', call('accept4', listening, 0, 0, 0));
      await acting;
      master = receiveDescriptor(connection);
      closeFd(connection);
    } finally {
      closeFd(listening);
      rmSync(path);
    }
    const fd = master as number;
    consoles.push(fd);
    return (wanted) => {
      let text = '';
      const chunk = Buffer.alloc(4096);
      while (!wanted.test(text)) {
        if (!waitReadable(fd, 10_000)) throw new Error(`the terminal says only ${text}`);
        text += chunk.toString('utf8', 0, readSync(fd, chunk));
      }
      return text;
    };
  }
  const consoles: number[] = [];

  it('--console-socket: create and exec hand a terminal over', async () => {
    const id = newId();
    const bundle = bundleOf(id, ['sh', '-c', 'tty; echo ready; read line; echo "got $line"; sleep 60'], true);
    const read = await withConsole(async (path) => {
      expect(await runtime.start(['create', '--bundle', bundle, '--console-socket', path, id]).answer).toMatchObject({ code: 0, err: '' });
    });
    try {
      expect(runtime(['start', id])).toMatchObject({ code: 0, err: '' });
      expect(read(/ready/)).toMatch(/^\/dev\/(pts\/0|console)\r\n/);
      writeSync(consoles.at(-1) as number, 'typed\n');
      expect(read(/got/)).toMatch(/got typed/);
      const process = join(folder, 'process.json');
      const own = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')).process;
      writeFileSync(process, JSON.stringify({ ...own, args: ['sh', '-c', 'tty; id -u; echo end'], terminal: true }));
      const second = await withConsole(async (path) => {
        const answer = await runtime.start(['exec', '--detach', '--process', process, '--console-socket', path, id]).answer;
        expect(answer).toMatchObject({ code: 0, err: '' });
      });
      expect(second(/end/)).toMatch(/^\/dev\/pts\/1\r\n0\r\nend/);
    } finally {
      runtime(['delete', '--force', id]);
      for (const fd of consoles.splice(0)) closeFd(fd);
    }
  });

  it('a terminal and options that do not fit are refused in the words of runc, and nothing is made', () => {
    const id = newId();
    const terminal = bundleOf(id, ['true'], true);
    expect(runtime(['create', '--bundle', terminal, id]).err).toMatch(
      /cannot allocate tty if runc will detach without setting console socket/,
    );
    expect(runtime(['create', '--bundle', terminal, '--console-socket', join(folder, 'none'), id]).err).toMatch(
      /none.*(ENOENT|no such file)/,
    );
    const plain = bundleOf(newId(), ['true']);
    expect(runtime(['create', '--bundle', plain, '--console-socket', join(folder, 'none'), id]).err).toMatch(
      /cannot use console socket if runc will not detach or allocate tty/,
    );
    expect(runtime(['list', '-q']).out).toBe('');
  });
});
