import { expect, it } from 'vitest';
import { compile } from '../../src/runc/compile/compile.ts';
import { TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { defaultConfig } from '../../src/runc/spec/default-config.ts';

/** File system types that the program mounts, in order. */
function typesMounted(change: (config: Config) => void): unknown[] {
  const { cgroup, arch, kernel } = TYPICAL_HOST;
  const config = defaultConfig({ id: 'x', rootfs: '/rootfs', args: ['true'], terminal: false, cgroup, arch, kernel });
  change(config);
  const { steps } = compile(config, TYPICAL_HOST, { id: 'x', bundle: '/', ownStreams: false });
  return steps.flatMap(({ call }) => (call.name === 'mount' && call.args[2]?.kind === 'text' ? call.args[2].parts : []));
}

it('mounts cgroup2 straight on a new /sys', () => {
  const types = typesMounted(() => {});
  expect(types[types.indexOf('cgroup2') - 1]).toBe('sysfs');
});

it("covers the cgroup2 that a bind of the host's /sys brings along, on which no second one can be mounted", () => {
  const types = typesMounted((config) => {
    config.mounts = config.mounts?.map((m) =>
      m.destination === '/sys' ? { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'ro'] } : m,
    );
  });
  expect(types[types.indexOf('cgroup2') - 1]).toBe('tmpfs');
});
