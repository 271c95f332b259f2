/** The same program through both engines: the container must look the same from inside. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../../src/runc/engine/launch.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { plainConfig, run } from './support/box.ts';
import { BUSYBOX, skipReason } from './support/minirun.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`engines: skipped, ${reason}`);

const LOOK = `
hostname; id; pwd; env | sort; umask
cat /proc/self/mountinfo | sed 's/^[0-9]* [0-9]* [0-9]*:[0-9]* //; s/ master:[0-9]*//' | sort
grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Uid|Gid|Sig(Blk|Ign|Cgt))' /proc/self/status
ls -l /dev | awk '{print $1,$3,$4,$5,$6,$NF}' | grep -v total
ls /proc/self/fd | wc -l
cat /proc/self/limits | grep -v 'Max open files'
cat /proc/1/cgroup | sed 's/minirun.*//' ; ip addr show lo | grep inet
readlink /proc/1/exe; cat /proc/self/oom_score_adj; p=$(ps); echo "$p" | wc -l
`;

interface Example {
  name: string;
  change: (config: Config) => void;
}

const EXAMPLES: Example[] = [
  { name: 'the defaults', change: () => {} },
  {
    name: 'another user',
    change: (c) => void (c.process = { ...c.process!, user: { uid: 1000, gid: 1000, additionalGids: [10, 20], umask: 0o077 } }),
  },
  {
    name: 'no_new_privs and few capabilities',
    change: (c) => {
      c.process!.noNewPrivileges = true;
      c.process!.capabilities = { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] };
    },
  },
  {
    name: 'ambient capabilities for a user',
    change: (c) => {
      const some = ['CAP_NET_BIND_SERVICE', 'CAP_NET_RAW'];
      c.process!.user = { uid: 1000, gid: 1000 };
      c.process!.capabilities = { bounding: some, permitted: some, effective: some, inheritable: some, ambient: some };
    },
  },
  {
    name: 'a read-only root, a tmpfs and a bind mount',
    change: (c) => {
      c.root!.readonly = true;
      c.mounts!.push(
        { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'noexec'] },
        { destination: '/mnt/my etc', type: 'bind', source: '/etc', options: ['rbind', 'ro', 'nosuid'] },
      );
    },
  },
  {
    name: 'sysctls, a domain name and rlimits',
    change: (c) => {
      c.domainname = 'example';
      c.linux!.sysctl = { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '4096' };
      c.process!.rlimits = [
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
        { type: 'RLIMIT_NPROC', soft: 100, hard: 200 },
      ];
    },
  },
  {
    name: 'the host network and pid namespace',
    change: (c) => {
      c.linux!.namespaces = c.linux!.namespaces!.filter((n) => n.type !== 'network');
    },
  },
  { name: 'a working directory that the image lacks', change: (c) => void (c.process!.cwd = '/srv/some where') },
];

const look = (engine: EngineName, example: Example) => {
  const config = plainConfig(['/bin/sh', '-c', LOOK]);
  example.change(config);
  config.hostname = 'look';
  return run(config, { engine });
};

describe.skipIf(reason)('both engines', () => {
  for (const example of EXAMPLES) {
    it(`make the same container: ${example.name}`, async () => {
      const native = await look('native', example);
      const ffi = await look('ffi', example);
      expect(native.err).toBe('');
      expect(native.code).toBe(0);
      expect(native.out).toContain('look');
      expect(ffi.out).toBe(native.out);
      expect(ffi.warnings).toEqual(native.warnings);
    });
  }

  it('refuse what ffi cannot do, in words', async () => {
    const config = plainConfig(['/bin/true']);
    config.linux!.namespaces!.push({ type: 'user' });
    config.linux!.uidMappings = config.linux!.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    await expect(run(config, { engine: 'ffi' })).rejects.toThrow(/ffi engine cannot .* user namespace.*--engine native/);
    expect(existsSync(BUSYBOX)).toBe(true);
    const joins = plainConfig(['/bin/true']);
    joins.linux!.namespaces = joins.linux!.namespaces!.map((one) => (one.type === 'mount' ? { ...one, path: '/proc/1/ns/mnt' } : one));
    await expect(run(joins, { engine: 'ffi' })).rejects.toThrow(/ffi engine cannot enter a mount namespace.*--engine native/);
  });
});
