/**
 * Who `--user` is: names looked up in the container's own /etc/passwd and /etc/group, which need
 * not be those of the host. Pure; the texts come from read-inside.ts.
 * Source: passwd(5), group(5); Docker's rules for USER.
 */

export interface PasswdEntry {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

export interface GroupEntry {
  name: string;
  gid: number;
  members: string[];
}

/** A user as the kernel knows it, with the home folder. */
export interface ResolvedUser {
  uid: number;
  gid: number;
  additionalGids: number[];
  home: string;
}

/** A user or group that the container's files do not have, and that is no number either. */
export class UnknownName extends Error {
  readonly kind: 'user' | 'group';
  readonly wanted: string;
  constructor(kind: 'user' | 'group', wanted: string, why: string) {
    super(`no ${kind} "${wanted}" in the container: ${why}`);
    this.name = 'UnknownName';
    this.kind = kind;
    this.wanted = wanted;
  }
}

/** The largest id: 2^32-1 means "leave as it is" to chown(2) and setresuid(2). */
const MAX_ID = 2 ** 32 - 2;

const isId = (text: string): boolean => /^\d+$/.test(text) && Number(text) <= MAX_ID;

/** The entries of an /etc/passwd; lines that are none are left out. */
export function parsePasswd(text: string): PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = '', , home = '', shell = ''] = line.split(':');
    return name && isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home, shell }] : [];
  });
}

/** The entries of an /etc/group; lines that are none are left out. */
export function parseGroup(text: string): GroupEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , gid = '', members = ''] = line.split(':');
    return name && isId(gid) ? [{ name, gid: Number(gid), members: members.split(',').filter(Boolean) }] : [];
  });
}

/**
 * `name`, `uid`, `name:group`, `uid:gid`. A name wins over a number; a number need not be listed.
 * Without a group the user's own counts, and those that list it as a member. The own group is
 * among the additional ones too: without that a program could drop it and so get round "group
 * may not" permissions (CVE-2022-36109).
 * @throws UnknownName for a user or group that is not there
 */
export function resolveUser(wanted: string, passwd: string, group: string): ResolvedUser {
  const [userPart = '', groupPart, ...more] = wanted.split(':');
  if (more.length) throw new Error(`--user ${wanted}: use NAME, UID, NAME:GROUP or UID:GID`);
  const users = parsePasswd(passwd);
  const groups = parseGroup(group);
  const named = users.find((u) => u.name === userPart);
  const wantedId = userPart === '' ? 0 : Number(userPart);
  if (!named && userPart !== '' && !isId(userPart)) {
    const known = users.map((u) => u.name);
    const why = /^-?\d+$/.test(userPart)
      ? `ids go from 0 to ${MAX_ID}`
      : known.length
        ? `its /etc/passwd has ${shorten(known)}`
        : 'it has no /etc/passwd; use a number';
    throw new UnknownName('user', userPart, why);
  }
  const entry = named ?? users.find((u) => u.uid === wantedId);
  const uid = entry?.uid ?? wantedId;
  const home = entry?.home || '/';
  if (groupPart) {
    const gid = groups.find((g) => g.name === groupPart)?.gid ?? (isId(groupPart) ? Number(groupPart) : undefined);
    if (gid === undefined) {
      const known = groups.map((g) => g.name);
      throw new UnknownName(
        'group',
        groupPart,
        known.length ? `its /etc/group has ${shorten(known)}` : 'it has no /etc/group; use a number',
      );
    }
    return { uid, gid, additionalGids: [gid], home };
  }
  const gid = entry?.gid ?? 0;
  const listed = entry ? groups.filter((g) => g.members.includes(entry.name)).map((g) => g.gid) : [];
  return { uid, gid, additionalGids: [...new Set([gid, ...listed])], home };
}

const shorten = (names: string[]): string => (names.length > 12 ? `${names.slice(0, 12).join(', ')}, …` : names.join(', '));
