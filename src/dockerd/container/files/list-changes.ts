/** `docker diff`. */
import { setImmediate as turn } from 'node:timers/promises';
import { readable } from '../../../containerd/layers/tar-header.ts';
import type { Daemon } from '../../daemon.ts';
import type { Container } from '../containers.ts';
import { withOwnChanges } from './snapshot-changes.ts';

export interface ListedChange {
  Path: string;
  /** 0: changed, 1: new, 2: gone */
  Kind: 0 | 1 | 2;
}

/** So many are looked at before others get their turn. */
const AT_ONCE = 200;

export const listChanges = (daemon: Daemon, container: Container): Promise<ListedChange[]> =>
  withOwnChanges(daemon, container, async (all) => {
    const listed: ListedChange[] = [];
    for (const { change, old } of all) {
      const kind = change.kind === 'whiteout' ? 2 : old ? 0 : 1;
      listed.push({ Path: `/${readable(change.path)}`, Kind: kind });
      if (listed.length % AT_ONCE === 0) await turn();
    }
    return listed;
  });
