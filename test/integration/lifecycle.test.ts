/** Containers that stay: detached runs, exec, logs, stop, kill, rm, inspect, names, and terminals. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BIN, BUSYBOX, minirunIn, scratch, skipReason, until } from './support/minirun.ts';

const reason = skipReason({ root: true, file: BUSYBOX, program: 'script' });
if (reason) console.log(`lifecycle: skipped, ${reason}`);

describe.skipIf(reason)('containers that stay', () => {
  const folder = scratch('lifecycle');
  const { minirun, root, start } = minirunIn(join(folder, 'state'));
  const ids = () => minirun(['ps', '-a', '-q']).out.trim().split('\n').filter(Boolean);

  afterAll(() => {
    for (const id of ids()) minirun(['rm', '-f', id]);
  });

  it('run -d prints the id, logs has the output, exec works, stop ends it, rm forgets it', async () => {
    const answer = minirun([
      'run',
      '-d',
      '--name',
      'web',
      BUSYBOX,
      '/bin/sh',
      '-c',
      'trap "echo bye; exit 5" TERM; echo hello; echo warn >&2; while true; do sleep 0.1; done',
    ]);
    expect(answer.err).toBe('');
    expect(answer.out).toMatch(/^[0-9a-f]{64}\n$/);
    expect(minirun(['ps']).out).toMatch(/web/);
    await until('it has spoken', () => minirun(['logs', 'web']).out.includes('hello'));
    await until('it has warned', () => minirun(['logs', 'web']).err.includes('warn'));

    const inside = minirun([
      'exec',
      '-e',
      'X=1',
      '-w',
      '/tmp',
      '-u',
      '1000',
      'web',
      '/bin/sh',
      '-c',
      'echo $X $PWD $(id -u) $(ps | wc -l); exit 9',
    ]);
    expect(inside.code).toBe(9);
    expect(inside.out).toMatch(/^1 \/tmp 1000 \d+\n$/);
    expect(minirun(['exec', 'web', 'nothing-there']).code).toBe(127);
    expect(minirun(['exec', '-i', 'web', 'cat'], { input: 'typed' }).out).toBe('typed');

    const inspected = JSON.parse(minirun(['inspect', 'web']).out);
    expect(JSON.stringify(inspected)).toContain('"web"');

    expect(minirun(['rm', 'web']).code).not.toBe(0);
    expect(minirun(['stop', 'web']).code).toBe(0);
    expect(minirun(['ps']).out).not.toMatch(/web/);
    expect(minirun(['ps', '-a']).out).toMatch(/web/);
    expect(minirun(['ps', '-a']).out).toMatch(/5/);
    expect(minirun(['logs', 'web']).out).toBe('hello\nbye\n');
    expect(minirun(['exec', 'web', 'true']).code).not.toBe(0);
    expect(minirun(['rm', 'web']).code).toBe(0);
    expect(ids()).toEqual([]);
  });

  it('a command that cannot start: the code at once, and nothing stays', () => {
    const answer = minirun(['run', '-d', BUSYBOX, '/no/such']);
    expect(answer.code).toBe(127);
    expect(answer.err).toMatch(/no such file/);
    expect(ids()).toEqual([]);
  });

  it('two containers cannot have one name', () => {
    expect(minirun(['run', '-d', '--name', 'same', BUSYBOX, 'sleep', '60']).code).toBe(0);
    const second = minirun(['run', '--rm', '--name', 'same', BUSYBOX, 'true']);
    expect(second.code).toBe(125);
    expect(second.err).toMatch(/name "same" is in use/);
    expect(minirun(['kill', 'same']).code).toBe(0);
    expect(minirun(['rm', '-f', 'same']).code).toBe(0);
  });

  it('many at once each get a name of their own', async () => {
    const codes = await Promise.all(
      Array.from({ length: 16 }, () => {
        const child = start(['run', '--rm', BUSYBOX, 'true']);
        return new Promise((resolve) => child.on('exit', resolve));
      }),
    );
    expect(codes).toEqual(codes.map(() => 0));
    expect(ids()).toEqual([]);
  });

  it('--rm -d is gone after its end', async () => {
    minirun(['run', '-d', '--rm', '--name', 'short', BUSYBOX, 'true']);
    await until('it is gone', () => ids().length === 0);
  });

  it('kill -s and stop -t 0', async () => {
    minirun(['run', '-d', '--name', 'k', BUSYBOX, '/bin/sh', '-c', 'trap "exit 4" USR1; while true; do sleep 0.1; done']);
    await new Promise((r) => setTimeout(r, 200));
    expect(minirun(['kill', '-s', 'USR1', 'k']).code).toBe(0);
    await until('it has ended', () => /Exited \(4\)/.test(minirun(['ps', '-a']).out));
    minirun(['rm', 'k']);
    minirun(['run', '-d', '--name', 'deaf', BUSYBOX, 'sleep', '60']);
    const before = Date.now();
    expect(minirun(['stop', '-t', '0', 'deaf']).code).toBe(0);
    expect(Date.now() - before).toBeLessThan(20_000);
    expect(minirun(['ps', '-a']).out).toMatch(/Exited \(137\)/);
    minirun(['rm', 'deaf']);
  });

  describe('with a terminal', () => {
    const inTerminal = (args: string[]): { child: ChildProcessWithoutNullStreams; screen: () => string; ended: Promise<number | null> } => {
      const line = [process.execPath, BIN, ...args].map((a) => `'${a}'`).join(' ');
      const child = spawn('script', ['-qfec', `stty rows 33 cols 99; ${line}`, '/dev/null'], {
        env: { ...process.env, MINIRUN_ROOT: root },
      });
      let text = '';
      child.stdout.on('data', (d) => {
        text += d;
      });
      child.stderr.on('data', (d) => {
        text += d;
      });
      return { child, screen: () => text, ended: new Promise((resolve) => child.on('exit', resolve)) };
    };

    it('has a pty of its own, of the right size, as controlling terminal', async () => {
      const { child, screen, ended } = inTerminal(['run', '--rm', '-it', BUSYBOX, '/bin/sh']);
      await until('the prompt', () => screen().includes('# '));
      child.stdin.write('tty; stty size; ls -l /dev/console | cut -c1; ps -o pid,tty | head -2 | tail -1\n');
      await until('the size', () => screen().includes('33 99'));
      expect(screen()).toContain('/dev/pts/0');
      child.stdin.write('sleep 100\n');
      await new Promise((r) => setTimeout(r, 300));
      child.stdin.write('\x03'); // Ctrl-C interrupts sleep, not the shell
      child.stdin.write('echo still $((40+2)); exit 6\n');
      expect(await ended).toBe(6);
      expect(screen()).toContain('still 42');
    });

    it('is left with the detach keys, and the container goes on', async () => {
      const { child, screen, ended } = inTerminal([
        'run',
        '-it',
        '--name',
        'left',
        BUSYBOX,
        '/bin/sh',
        '-c',
        'echo begun; while true; do sleep 0.1; echo tick; done',
      ]);
      await until('it has begun', () => screen().includes('begun'));
      child.stdin.write('\x10\x11');
      expect(await ended).toBe(0);
      expect(minirun(['ps']).out).toMatch(/left/);
      await until('its output goes to the log', () => minirun(['logs', 'left']).out.includes('tick'));
      expect(minirun(['rm', '-f', 'left']).code).toBe(0);
    });

    it('exec -it', async () => {
      minirun(['run', '-d', '--name', 'base', BUSYBOX, 'sleep', '60']);
      const { child, screen, ended } = inTerminal(['exec', '-it', 'base', '/bin/sh']);
      await until('the prompt', () => screen().includes('# '));
      child.stdin.write('tty; test -t 0 && echo a terminal; exit 3\n');
      expect(await ended).toBe(3);
      expect(screen()).toContain('a terminal');
      expect(screen()).toContain('/dev/pts/');
      minirun(['rm', '-f', 'base']);
    });

    it('-d -t logs what the terminal shows', async () => {
      minirun(['run', '-d', '-t', '--name', 'dt', BUSYBOX, '/bin/sh', '-c', 'test -t 1 && echo terminal']);
      await until('it has spoken', () => minirun(['logs', 'dt']).out.includes('terminal'));
      minirun(['rm', '-f', 'dt']);
    });
  });

  it('leaves no state', () => {
    expect(ids()).toEqual([]);
    expect(existsSync(root)).toBe(true);
  });
});
