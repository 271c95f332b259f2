/** Containers that share namespaces with others, or a bridge. */
import { describe, expect, test } from 'vitest';
import { eventually } from '../sandbox.ts';
import type { Everyday } from './commands.ts';

export function neighbours({ cli, ok, remove, idling, inside }: Everyday): void {
  describe('beside other containers', () => {
    test("a network of its own, the same one as another, the host's, or none", async () => {
      await idling('server', [], async () => {
        await ok(['exec', '-d', 'server', 'sh', '-c', 'while :; do echo hi | nc -l -p 80; done']);
        await eventually('the other one answers', async () =>
          (
            await cli(['run', '--rm', '--network', 'container:server', 'busybox', 'nc', '-w', '2', '127.0.0.1', '80'], { input: '' })
          ).out.startsWith('hi'),
        );
        expect(await ok(['exec', 'server', 'sh', '-c', 'ls /sys/class/net'])).toBe('lo');
        expect(await ok(['run', '--rm', '--network', 'host', 'busybox', 'hostname'])).toBe('engine-host');
      });
    });
    test('on a bridge: an address, and the neighbour answers', async () => {
      try {
        await ok(['run', '-d', '--name', 'neighbour', 'busybox', 'sleep', '1000']);
        const address = await ok(['inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'neighbour']);
        expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
        expect(await ok(['run', '--rm', 'busybox', 'sh', '-c', `ls /sys/class/net; ping -c 1 -w 5 ${address}`])).toMatch(
          /eth0\nlo[\s\S]*1 packets received/,
        );
      } finally {
        await remove('neighbour');
      }
    });
    test('the pid and ipc namespaces of another', async () => {
      await idling('host', ['--ipc', 'shareable'], async () => {
        const script = 'ps | grep -c "sleep 100[0]"; for p in 1 self; do readlink /proc/$p/ns/ipc; done | uniq | wc -l';
        const options = ['--pid', 'container:host', '--ipc', 'container:host', '--cap-add', 'SYS_PTRACE'];
        expect(await inside(script, ...options)).toBe('1\n1');
      });
    });
  });
}
