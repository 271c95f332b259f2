/** Limits of resources, and the figures of top, stats and logs. */
import { describe, expect, test } from 'vitest';
import { eventually } from '../sandbox.ts';
import type { Everyday } from './commands.ts';

export function limits({ isDocker, ok, engine, idling }: Everyday): void {
  describe('limits and figures', () => {
    const V2 = '/sys/fs/cgroup';
    /** A limit as the container's cgroup has it, by its version 1 or version 2 name. */
    const limit = async (container: string, v1: string, v2: string): Promise<string> => {
      const pid = await ok(['inspect', '-f', '{{.State.Pid}}', container]);
      const controller = v1.split('.')[0] as string;
      const script = `
        path=$(sed -n 's/^[0-9]*:\\([^:]*,\\)*${controller}\\(,[^:]*\\)*://p' /proc/${pid}/cgroup)
        if [ -n "$path" ]; then cat /sys/fs/cgroup/${controller}$path/${v1}
        else cat ${V2}$(sed -n 's/^0:://p' /proc/${pid}/cgroup)/${v2}; fi`;
      const answer = await engine().place.run(['sh', '-c', script]);
      return answer.out.trim() || answer.err.trim();
    };
    test('memory, processors and processes, as started and as updated', async () => {
      await idling('limited', ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '40'], async () => {
        expect(await limit('limited', 'memory.limit_in_bytes', 'memory.max')).toBe(String(64 << 20));
        expect(await limit('limited', 'cpu.cfs_quota_us', 'cpu.max')).toMatch(/^50000\b/);
        expect(await limit('limited', 'pids.max', 'pids.max')).toBe('40');
        await ok(['update', '--memory', '96m', '--memory-swap', '192m', '--cpu-shares', '512', 'limited']);
        expect(await limit('limited', 'memory.limit_in_bytes', 'memory.max')).toBe(String(96 << 20));
        expect(await limit('limited', 'cpu.shares', 'cpu.weight')).toMatch(/^(512|20)$/);
        expect(await limit('limited', 'pids.max', 'pids.max')).toBe('40');
      });
    });
    test('too much memory: killed, and the engine knows why', async () => {
      await idling(
        'hungry',
        ['--memory', '24m', '--memory-swap', '24m'],
        async () => {
          expect(await ok(['wait', 'hungry'])).toBe('137');
          // Debian's conmon does not notice it on cgroup version 1, whatever the runtime.
          if (isDocker) expect(await ok(['inspect', '-f', '{{.State.OOMKilled}}', 'hungry'])).toBe('true');
        },
        ['sh', '-c', 'sleep 0.5; exec tail /dev/zero'],
      );
    });
    test('top, stats, logs', async () => {
      await idling(
        'watched',
        ['--memory', '64m'],
        async () => {
          await eventually('its output is there', async () => (await ok(['logs', 'watched'])).split('\n').length === 2);
          expect(await ok(['top', 'watched'])).toMatch(/PID[\s\S]*sleep 1000/);
          const figures = (await ok(['stats', '--no-stream', '--format', '{{.Name}};{{.MemUsage}};{{.PIDs}}', 'watched'])).split(';');
          expect(figures[0]).toBe('watched');
          expect(figures[1]).toMatch(/^[\d.]+\s*[KkM]i?B \/ (64MiB|67.11MB)$/);
          expect(Number(figures[2])).toBeGreaterThan(0);
          expect(await ok(['logs', '--tail', '1', 'watched'])).toBe('two');
          expect(await ok(['logs', '-t', 'watched'])).toMatch(/^\d{4}-\d\d-\d\dT\S+ one\n/);
        },
        ['sh', '-c', 'echo one; echo two; exec sleep 1000'],
      );
    });
  });
}
