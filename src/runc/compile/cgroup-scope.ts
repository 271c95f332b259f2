/**
 * Cgroups made by systemd: it is asked over its message bus for a transient unit, and puts init
 * there. What systemd does not do, the steps that follow do as they would without it.
 * Sources: org.freedesktop.systemd1(5), StartTransientUnit; busctl(1); systemd's CGROUP_DELEGATION.md.
 */
import type { Host, SystemdFacts } from '../host/facts.ts';
import type { Text } from '../program/args.ts';
import { runProgram } from '../program/calls.ts';
import { type Call, ref } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Resources } from '../spec/config.ts';
import { compileCgroupFolders } from './cgroup.ts';
import type { CgroupPaths } from './cgroup-paths.ts';
import { add, type Draft, type Setting, signal, wait } from './draft.ts';
import { annotationProperties } from './systemd-annotations.ts';
import { deviceProperties, limitProperties, type Property, scopeProperties } from './systemd-properties.ts';
import { systemdOf, type Unit } from './systemd-unit.ts';

const MANAGER = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];

/** A call of a method of systemd's manager, through systemd's own client for its bus. */
const callManager = (systemd: SystemdFacts, method: string, signature: string, ...args: Text[]): Call =>
  runProgram(systemd.busctl, ...(systemd.user ? ['--user'] : []), '--quiet', '--', 'call', ...MANAGER, method, signature, ...args);

/** a(sv): how many, and of each its name, type and value. */
const asVariants = (properties: Property[]): string[] => [
  String(properties.length),
  ...properties.flatMap((p) => [p.name, p.signature, ...p.values]),
];

/** The steps after init exists: systemd makes the unit, with init in it; then what is left to do. None without a unit. */
export function compileScope(draft: Draft, paths: CgroupPaths): void {
  const systemd = systemdOf(draft.host);
  const { unit } = paths;
  if (!systemd || !unit) return;
  const { config, host } = draft;
  const setting: Setting = { actor: 'runtime', chapter: 'cgroup', from: config.linux?.cgroupsPath ? '#/linux/cgroupsPath' : 'minirun' };
  const resources = config.linux?.resources ?? {};
  const properties = [
    ...scopeProperties(unit.name, unit.slice, unit.of, host, systemd),
    ...(host.uid === 0 && !host.inUserNamespace ? deviceProperties(resources, systemd) : []),
    ...limitProperties(resources, host, systemd),
    ...annotationProperties(config.annotations).properties,
  ];
  // PIDs is an array of one: its length, then init's number, which is known only when it runs.
  const [count = '0', ...words] = asVariants(properties);
  add(draft, {
    ...setting,
    man: 'org.freedesktop.systemd1(5)',
    call: callManager(
      systemd,
      'StartTransientUnit',
      'ssa(sv)a(sa(sv))',
      unit.name,
      'replace',
      String(Number(count) + 1),
      ...words,
      'PIDs',
      'au',
      '1',
      [ref('init')],
      '0',
    ),
    why: `On this machine systemd looks after the tree of cgroups, and nobody else may change what it has not handed over. It is asked, over its message bus, for a transient unit ${unit.name} in ${unit.slice}: a cgroup with these limits and init in it. Delegate hands over what is below, so that systemd leaves it alone.`,
  });
  add(draft, {
    ...setting,
    man: 'systemctl(1)',
    call: runProgram(systemd.systemctl, ...(systemd.user ? ['--user'] : []), '--quiet', 'start', '--', unit.name),
    why: 'systemd answers before it has done it. To start a unit that is being started is to wait until it has been.',
  });
  compileCgroupFolders(draft, paths);
  signal(draft, { ...setting, from: 'minirun' }, TOKENS.scoped, "Init may look for its cgroups now: systemd's are there.");
  wait(
    draft,
    { ...setting, actor: 'init', from: 'minirun' },
    TOKENS.scoped,
    'The cgroups are made by systemd, which needs to know this process for that: wait until they are.',
  );
}

/** The step of an update that has systemd know of new limits. */
export function compileUnitProperties(draft: Draft, unit: Unit, change: Resources): void {
  const systemd = systemdOf(draft.host);
  if (!systemd) return;
  const properties = limitProperties(change, draft.host, systemd);
  if (!properties.length) return;
  add(draft, {
    actor: 'runtime',
    chapter: 'cgroup',
    from: '#/linux/resources',
    man: 'org.freedesktop.systemd1(5)',
    call: callManager(systemd, 'SetUnitProperties', 'sba(sv)', unit.name, 'true', ...asVariants(properties)),
    why: `systemd keeps the limits of its units and sets them again when it sees fit, so it is told first. \`true\` means until the next boot.`,
  });
}

/** True when the config's cgroups are to be made by systemd. */
export const bySystemd = (host: Host): boolean => host.cgroup.systemd !== undefined;
