/** Names of images as they are typed. */
import { familiarReference, parseReference, type Reference, withDefaultTag } from '../../containerd/registry/reference.ts';
import { UsageError } from '../usage-error.ts';

export { familiarReference, type Reference, withDefaultTag };

/** @throws UsageError in Docker's words */
export function referenceOf(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/^\[\w+\] /, '').replace(/: invalid argument$/, ''));
  }
}

/** The name without tag and digest, in full: `docker.io/library/busybox`. */
export const repositoryOf = ({ domain, path }: Reference): string => `${domain}/${path}`;
