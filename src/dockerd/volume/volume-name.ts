/** What a volume may be called, in Docker's words: its name becomes that of a folder. */
import { badRequest } from '../http/api-error.ts';

const CHARACTERS = '[a-zA-Z0-9][a-zA-Z0-9_.-]';
const NAME = new RegExp(`^${CHARACTERS}+$`);
/** NAME_MAX of Linux's file systems, in bytes. */
const LONGEST = 255;

/** @throws 400 */
export function checkVolumeName(name: string): void {
  if (name.length === 1) throw badRequest(`create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
  if (!NAME.test(name))
    throw badRequest(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only ${JSON.stringify(CHARACTERS)} are allowed. If you intended to pass a host directory, use absolute path`,
    );
  if (name.length > LONGEST) throw badRequest(`create ${name}: volume name is too long, a folder's name has at most ${LONGEST} characters`);
}
