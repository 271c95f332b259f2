/** User and group id maps: what makes root in a user namespace harmless outside of it. */
import { runProgram, setgroups, setresgid, setresuid } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { IdMapping } from '../spec/config.ts';
import { add, type Draft, hasNamespace, type Setting, signal, wait, writeFile } from './draft.ts';
import { newUserNamespace } from './namespaces.ts';

const runtime = (from: string): Setting => ({ actor: 'runtime', chapter: 'namespaces', from });

/** The lines of /proc/PID/uid_map: id inside, id outside, how many. */
export const mapText = (maps: IdMapping[]): string => maps.map((m) => `${m.containerID} ${m.hostID} ${m.size}\n`).join('');

const MAP_WHY =
  "Say which ids inside stand for which ids outside. Root inside is an ordinary, harmless user outside: a process that breaks out has that user's rights and no more.";

/**
 * The runtime writes the maps of init's new user namespace; init waits for them and then becomes
 * root in it. An ordinary user may map one id (its own) by itself; ranges need the set-uid
 * programs newuidmap and newgidmap, which check /etc/subuid and /etc/subgid.
 */
export function compileIdMaps(draft: Draft): void {
  const { config, host } = draft;
  if (!newUserNamespace(config)) return;
  const uids = config.linux?.uidMappings ?? [];
  const gids = config.linux?.gidMappings ?? [];
  const isOwn = (maps: IdMapping[], own: number) => maps.length === 1 && maps[0]?.size === 1 && maps[0].hostID === own;
  const privileged = host.uid === 0;

  if (privileged || isOwn(uids, host.uid)) {
    writeFile(draft, runtime('#/linux/uidMappings'), ['/proc/', ref('init'), '/uid_map'], mapText(uids), MAP_WHY);
  } else {
    add(draft, {
      ...runtime('#/linux/uidMappings'),
      call: runProgram(
        host.newuidmap ?? 'newuidmap',
        [ref('init')],
        ...uids.flatMap((m) => [String(m.containerID), String(m.hostID), String(m.size)]),
      ),
      man: 'newuidmap(1)',
      why: `${MAP_WHY} An ordinary user may not map other ids than its own; this set-uid program does it after a look into /etc/subuid.`,
    });
  }
  if (privileged) {
    writeFile(draft, runtime('#/linux/gidMappings'), ['/proc/', ref('init'), '/gid_map'], mapText(gids), 'The same for groups.');
  } else if (isOwn(gids, host.gid)) {
    writeFile(
      draft,
      runtime('minirun'),
      ['/proc/', ref('init'), '/setgroups'],
      'deny',
      'Without privileges the group map is accepted only after setgroups(2) was given up for good: dropping a group could otherwise open files that deny access to that group.',
    );
    writeFile(draft, runtime('#/linux/gidMappings'), ['/proc/', ref('init'), '/gid_map'], mapText(gids), 'The same for groups.');
  } else {
    add(draft, {
      ...runtime('#/linux/gidMappings'),
      call: runProgram(
        host.newgidmap ?? 'newgidmap',
        [ref('init')],
        ...gids.flatMap((m) => [String(m.containerID), String(m.hostID), String(m.size)]),
      ),
      man: 'newgidmap(1)',
      why: 'The same for groups, after a look into /etc/subgid.',
    });
  }
}

/** True when setgroups(2) is denied in the container's user namespace. */
export const setgroupsDenied = (draft: Draft): boolean => {
  // A user namespace inherits it from the one above.
  if (draft.host.setgroupsDenied) return true;
  const gids = draft.config.linux?.gidMappings ?? [];
  return (
    hasNamespace(draft.config, 'user') &&
    draft.host.uid !== 0 &&
    gids.length === 1 &&
    gids[0]?.size === 1 &&
    gids[0].hostID === draft.host.gid
  );
};

/**
 * The annotation with which podman asks for `--group-add keep-groups`: the caller's groups come along, so that
 * a rootless container can open files that belong to one of them.
 */
export const keepsGroups = (draft: Draft): boolean => draft.config.annotations?.['run.oci.keep_original_groups'] === '1';

/** The runtime lets init go on; in a new user namespace init becomes root there. */
export function compileRelease(draft: Draft): void {
  signal(
    draft,
    { actor: 'runtime', chapter: 'cgroup', from: 'minirun' },
    TOKENS.placed,
    'Init is in its cgroup and its users are mapped: it may go on.',
  );
  wait(
    draft,
    { actor: 'init', chapter: 'namespaces', from: 'minirun' },
    TOKENS.placed,
    'Before it goes on, init must be in its cgroup (what it uses is counted from the start) and know its users.',
  );
  if (!hasNamespace(draft.config, 'user')) return;
  const setting: Setting = { actor: 'init', chapter: 'namespaces', from: '#/linux/uidMappings' };
  if (!setgroupsDenied(draft) && !keepsGroups(draft)) {
    add(draft, {
      ...setting,
      call: setgroups([]),
      ignore: ['EPERM'],
      minor: true,
      why: 'Leave the groups that came from outside: most of them have no name in here.',
    });
  }
  add(draft, { ...setting, call: setresgid(0), minor: true, why: 'Become group 0 of the user namespace.' });
  add(draft, {
    ...setting,
    call: setresuid(0),
    why: 'Become root of the user namespace. It may now mount, set the host name and so on, but only in namespaces that this user namespace owns.',
  });
}
