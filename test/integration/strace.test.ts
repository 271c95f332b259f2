/** The proof that an explanation is true: strace sees the calls of the program, all of them, in order, and no others. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeProgram } from '../../src/runc/program/json.ts';
import type { Step } from '../../src/runc/program/step.ts';
import { BIN, BUSYBOX, minirunIn, scratch, skipReason } from './support/minirun.ts';

const reason = skipReason({ root: true, file: BUSYBOX, program: 'strace' });
if (reason) console.log(`strace: skipped, ${reason}`);

interface Traced {
  pid: number;
  name: string;
  text: string;
  result: string;
}

/** Whole calls in the order in which they returned; a call that strace wrote in two parts is put together. */
function parse(trace: string): Traced[] {
  const open = new Map<number, string>();
  const calls: Traced[] = [];
  for (const line of trace.split('\n')) {
    const m = /^(\d+) +(.*)$/.exec(line);
    if (!m) continue;
    const pid = Number(m[1]);
    let text = m[2] as string;
    const unfinished = / <unfinished \.\.\.>$/.exec(text);
    if (unfinished) {
      open.set(pid, text.slice(0, unfinished.index));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text);
    if (resumed) text = `${open.get(pid) ?? ''}${text.slice(resumed[0].length)}`;
    const call = /^(\w+)\(.*= (\S+).*$/s.exec(text);
    if (call) calls.push({ pid, name: call[1] as string, text, result: call[2] as string });
  }
  return calls;
}

/** The calls that minirun-init makes for itself: reporting and waiting on descriptor 3, the clock. */
const own = (c: Traced): boolean => /^(read|write)\(3, /.test(c.text) || c.name === 'clock_gettime';

const KERNEL_NAME: Record<string, string> = { prlimit: 'prlimit64' };

/** Strings that must stand in strace's line: constant texts among the arguments. */
const texts = (step: Step): string[] =>
  step.call.args.flatMap((a) =>
    a.kind === 'text' && a.parts.length === 1 && typeof a.parts[0] === 'string' && a.parts[0].length < 100 ? [a.parts[0]] : [],
  );

describe.skipIf(reason)('strace', () => {
  const folder = scratch('strace');
  const { minirun } = minirunIn(join(folder, 'state'));
  for (const options of [[], ['--network', 'host', '--read-only', '-m', '64m', '--user', '1000:1000', '--tmpfs', '/tmp']]) {
    it(`sees the program's calls and no others: ${options.join(' ') || 'no options'}`, () => {
      const command = [...options, '--hostname', 'traced', '--name', 'traced', BUSYBOX, '/bin/true'];
      const explained = minirun(['explain', '--format', 'json', ...command]);
      expect(explained.err).toBe('');
      const steps = decodeProgram(explained.out).steps;

      const file = join(folder, 'trace');
      const done = spawnSync('strace', ['-f', '-s', '4096', '-o', file, process.execPath, BIN, 'run', '--rm', ...command], {
        encoding: 'utf8',
        env: { ...process.env, MINIRUN_ROOT: join(folder, 'state') },
      });
      expect(done.status, done.stderr).toBe(0);
      // The real run has a made-up id where `explain` has the name.
      const calls = parse(readFileSync(file, 'utf8').replace(/[0-9a-f]{64}/g, 'traced'));

      const clone = calls.find((c) => c.name === 'clone' && c.text.includes('CLONE_PARENT'));
      expect(clone).toBeDefined();
      const init = Number(clone?.result);
      const byInit = calls.filter((c) => c.pid === init && !own(c));
      const end = byInit.findIndex((c) => c.name === 'execve' && c.result === '0');
      const expected = steps.filter((s) => s.actor === 'init' && !s.sync);
      expect(byInit.slice(0, end + 1).map((c) => c.name)).toEqual(expected.map((s) => KERNEL_NAME[s.call.name] ?? s.call.name));
      expected.forEach((step, i) => {
        for (const text of texts(step)) expect(byInit[i]?.text).toContain(JSON.stringify(text));
      });

      const starter = (clone as Traced).pid;
      const byStarter = calls.filter((c) => c.pid === starter && !own(c)).map((c) => c.name);
      const first = byStarter.indexOf('close') + 1; // it has read its program and closed the file
      const wanted = steps.filter((s) => s.actor === 'starter' && !s.sync).map((s) => s.call.name);
      expect(byStarter.slice(first, first + wanted.length)).toEqual(wanted);

      // The runtime is Node, which makes many calls of its own: the program's must be among them, in order.
      const byRuntime = calls.filter((c) => c.pid === calls[0]?.pid);
      let at = 0;
      for (const step of steps.filter((s) => s.actor === 'runtime' && !s.sync)) {
        const name = KERNEL_NAME[step.call.name] ?? step.call.name;
        const found = byRuntime.findIndex(
          (c, i) => i >= at && c.name === name && texts(step).every((t) => c.text.includes(JSON.stringify(t)) || t.includes(' ')),
        );
        expect(found, `${name} ${texts(step).join(' ')}`).toBeGreaterThanOrEqual(at);
        at = found + 1;
      }
    });
  }
});
