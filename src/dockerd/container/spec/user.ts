/** Who a process in a container is: names looked up in the container's own files. */
import { parseGroup, type ResolvedUser, resolveUser, UnknownName } from '../../../runc/rootfs/users.ts';
import type { User } from '../../../runc/spec/config.ts';
import { badRequest } from '../../http/api-error.ts';

/** Texts of the container's /etc/passwd and /etc/group; '' for a file that is not there. */
export interface UserFiles {
  passwd: string;
  group: string;
}

/** Docker's range: ids of more than 31 bits are refused. */
const LARGEST = 2 ** 31 - 1;

/** `--group-add`: names, or numbers that need not be listed. @throws 400 */
function groupsOf(wanted: readonly string[], text: string): number[] {
  const groups = parseGroup(text);
  return wanted.map((name) => {
    const gid = groups.find((group) => group.name === name)?.gid ?? (/^\d+$/.test(name) ? Number(name) : undefined);
    if (gid === undefined) throw badRequest(`unable to find group ${name}: no matching entries in group file`);
    if (gid > LARGEST) throw badRequest('uids and gids must be in range 0-2147483647');
    return gid;
  });
}

/**
 * `--user` and `--group-add` as numbers.
 * @param wanted `name`, `uid`, `name:group`, `uid:gid`; '' for root
 * @throws 400 in Docker's words, for a name that is not there
 */
export function userOf(wanted: string, groupAdd: readonly string[], files: UserFiles): ResolvedUser {
  let user: ResolvedUser;
  try {
    user = resolveUser(wanted, files.passwd, files.group);
  } catch (error) {
    if (!(error instanceof UnknownName)) throw badRequest((error as Error).message);
    const { kind, wanted: name } = error;
    throw badRequest(`unable to find ${kind} ${name}: no matching entries in ${kind === 'user' ? 'passwd' : 'group'} file`);
  }
  if (user.uid > LARGEST || user.gid > LARGEST) throw badRequest('uids and gids must be in range 0-2147483647');
  return { ...user, additionalGids: [...new Set([...user.additionalGids, ...groupsOf(groupAdd, files.group)])] };
}

/** As it stands in config.json. */
export const ociUser = ({ uid, gid, additionalGids }: ResolvedUser): User => ({ uid, gid, additionalGids });
