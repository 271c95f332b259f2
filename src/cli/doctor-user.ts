/** What this user may do, and the programs that help. */
import { capabilityName } from '../libc/capabilities.ts';
import { DEFAULT_CAPABILITIES } from '../runc/spec/capability-sets.ts';
import { type Finding, ok, warning } from './doctor-finding.ts';
import type { Machine } from './doctor-machine.ts';

/** Program → [Debian package, what does not work without]. */
const HELPERS: Record<string, [deb: string, without: string]> = {
  tar: ['tar', 'fixtures cannot be packed (minirun itself does not need it)'],
  unshare: ['util-linux', 'doctor cannot try namespaces'],
  nsenter: ['util-linux', 'looking into a running container from outside, as the docs do'],
  strace: ['strace', 'the test that shows explanations to be true is skipped'],
};

/** These map many ids for an ordinary user, for which they need privileges of their own. */
const MAPPERS = ['newuidmap', 'newgidmap'];

function capabilities(machine: Machine): Finding {
  const name = 'capabilities';
  const bounding = /^CapBnd:\s*([0-9a-f]+)/m.exec(machine.read('/proc/self/status'))?.[1];
  const last = Number(machine.read('/proc/sys/kernel/cap_last_cap'));
  if (bounding === undefined) return warning(name, 'cannot be read', '/proc is not mounted?');
  const set = BigInt(`0x${bounding}`);
  const lacking = Array.from({ length: last + 1 }, (_, n) => n)
    .filter((n) => !((set >> BigInt(n)) & 1n))
    .map(capabilityName);
  if (!lacking.length) return ok(name, `all ${last + 1} in the bounding set`);
  const usual = lacking.filter((c) => (DEFAULT_CAPABILITIES as readonly string[]).includes(c));
  const without = usual.length
    ? `containers lack ${usual.join(', ')}, which they have by default`
    : '--cap-add and --privileged cannot give them; nothing that a container has by default is lost';
  return warning(
    name,
    `the bounding set lacks ${lacking.join(', ')}`,
    without,
    'whoever started this session took them away (a container, systemd)',
  );
}

function subordinateIds(machine: Machine, file: string): Finding {
  const name = `/etc/${file}`;
  const line = machine
    .read(`/etc/${file}`)
    .split('\n')
    .map((l) => l.split(':'))
    .find(([owner]) => owner === machine.user || owner === String(machine.uid));
  const count = Number(line?.[2] ?? 0);
  if (count >= 65536) return ok(name, `${count} ids from ${line?.[1]}`);
  const which = file === 'subuid' ? 'uids' : 'gids';
  const mend = `as root: usermod --add-sub${which} 100000-165535 ${machine.user} (a range that /etc/${file} gives to nobody else)`;
  const without = 'a rootless container has one user, root, alone: apt and services that change user fail';
  return warning(name, count ? `only ${count} ids` : `no range for ${machine.user}`, without, mend);
}

function mapper(machine: Machine, program: string): Finding {
  const without = 'a rootless container has one user, root, alone';
  const path = machine.find(program);
  if (!path) return warning(program, 'not installed', without, 'as root: apt-get install uidmap');
  if (machine.uid === 0 || machine.privileged(path)) return ok(program, path);
  return warning(program, `${path} has no privileges`, without, `as root: chmod u+s ${path}`);
}

export function user(machine: Machine): Finding[] {
  const rootless = machine.uid !== 0;
  return [
    ok('user', rootless ? `${machine.user} (${machine.uid}): containers are rootless` : 'root'),
    capabilities(machine),
    ...(rootless ? [subordinateIds(machine, 'subuid'), subordinateIds(machine, 'subgid')] : []),
    ...MAPPERS.map((program) => mapper(machine, program)),
    ...Object.entries(HELPERS).map(([program, [deb, without]]) => {
      const path = machine.find(program);
      return path ? ok(program, path) : warning(program, 'not installed', without, `as root: apt-get install ${deb}`);
    }),
  ];
}
