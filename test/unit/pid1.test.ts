import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { pid1BinaryPath } from '../../src/runc/engine/installed.ts';

const program = pid1BinaryPath();
const scratch = mkdtempSync(join(tmpdir(), 'minirun-pid1-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const run = (...argv: string[]) => spawnSync(program, argv, { encoding: 'utf8', timeout: 10_000 });
const shell = (script: string) => run('--', 'sh', '-c', script);

function started(script: string): ChildProcess {
  return spawn(program, ['--', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

const firstLine = (child: ChildProcess) => new Promise<string>((done) => child.stdout?.once('data', (d) => done(`${d}`.trim())));
const ended = (child: ChildProcess) => new Promise<number | null>((done) => child.once('exit', (code) => done(code)));

describe('minirun-pid1', () => {
  beforeEach((context) => {
    if (!existsSync(program)) context.skip('native/build/minirun-pid1 is not built: it needs a C compiler (npm run build)');
  });

  it('ends with the exit code of the command', () => {
    expect(shell('exit 0').status).toBe(0);
    expect(shell('exit 7').status).toBe(7);
  });

  it('ends with 128 + N when signal N ended the command', () => {
    expect(shell('kill -TERM $$').status).toBe(143);
    expect(shell('kill -KILL $$').status).toBe(137);
  });

  it('passes arguments and environment on, also empty ones', () => {
    const done = spawnSync(program, ['--', 'sh', '-c', 'printf "[%s]" "$@" "$COLOUR"', 'x', 'a b', '', '--'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, COLOUR: 'grün' },
    });
    expect(done.stdout).toBe('[a b][][--][grün]');
  });

  it('says 127 for a command that does not exist and 126 for one that is not executable', () => {
    expect(run('--', 'no-such-command')).toMatchObject({ status: 127, stderr: expect.stringContaining('no such file') });
    expect(run('--', '/no/such/command').status).toBe(127);
    expect(run('--', '/etc/passwd')).toMatchObject({ status: 126, stderr: expect.stringContaining('permission denied') });
  });

  it('finds a command through PATH, and looks on after a folder that has none', () => {
    const env = { PATH: `${scratch}:/no/such/folder:${process.env.PATH}` };
    expect(spawnSync(program, ['--', 'true'], { env }).status).toBe(0);
  });

  it('wants a command', () => {
    expect(run().status).toBe(125);
    expect(run('true').status).toBe(125);
    expect(run('--').status).toBe(125);
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGWINCH', 'SIGINT'] as const)('passes %s on to the command', async (signal) => {
    const child = started(`trap 'echo got; exit 42' ${signal.slice(3)}; echo ready; while :; do sleep 0.02; done`);
    const exit = ended(child);
    expect(await firstLine(child)).toBe('ready');
    child.kill(signal);
    expect(await firstLine(child)).toBe('got');
    expect(await exit).toBe(42);
  });

  it('reaps orphans', async () => {
    // The inner shell leaves a process behind that ends at once: whoever adopts it must wait for it.
    const child = started('sh -c "sleep 0.05 &"; sleep 0.3; echo later; read -r forever < /dev/null; sleep 0.3');
    const exit = ended(child);
    await firstLine(child);
    const children = execFileSync('ps', ['-o', 'stat=,comm=', '--ppid', `${child.pid}`], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(children).toHaveLength(1);
    expect(children[0]).toMatch(/^S.*sh$/);
    expect(await exit).toBe(0);
  });

  it('does not block signals in the command, and gives it a process group of its own', () => {
    const script = 'grep SigBlk /proc/self/status; read -r pid comm state ppid pgrp rest < /proc/self/stat; echo "$$ $pgrp"';
    const lines = shell(script).stdout.trim().split('\n');
    expect(lines[0]).toMatch(/\s0+$/);
    const [pid, group] = (lines[1] ?? '').split(' ');
    expect(group).toBe(pid);
  });

  it('puts the command into the foreground of the terminal', (context) => {
    if (spawnSync('script', ['--version']).status !== 0) context.skip('script(1) of util-linux is not installed');
    // Field 8 of /proc/PID/stat is the terminal's foreground process group.
    const inner = `${program} -- sh -c 'read -r a b c d pgrp f g tpgid rest < /proc/self/stat; echo "[$pgrp $tpgid]"'`;
    const done = spawnSync('script', ['-qec', inner, '/dev/null'], { encoding: 'utf8', timeout: 10_000 });
    const [, group, foreground] = /\[(\d+) (-?\d+)\]/.exec(done.stdout) ?? [];
    expect(group).toMatch(/^\d+$/);
    expect(foreground).toBe(group);
  });
});
