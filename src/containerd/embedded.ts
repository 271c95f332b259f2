/** containerd inside another program: the same services, without a socket for clients. */
import { join } from 'node:path';
import type { Transport } from '@connectrpc/connect';
import { received } from '../messages/received.ts';
import { type Containerd, openContainerd } from './containerd.ts';
import { inMemoryTransport } from './in-memory.ts';
import type { Log } from './log.ts';
import { listenForShims } from './server.ts';

/**
 * For Connect's createClient. Calls carry the same headers as on a socket: `containerd-namespace`,
 * and `containerd-lease` where wanted.
 */
export const embeddedTransport = (containerd: Containerd): Transport =>
  inMemoryTransport(received(containerd.routes, { from: 'a client', to: 'containerd', protocol: 'gRPC in memory' }), containerd.log);

export interface EmbeddedOptions {
  /** What has to last. */
  root: string;
  /** What is gone after a reboot; bundles and the socket for shims are in it. */
  state: string;
  /** Programs of shims by the runtime's name; others are looked for in PATH. */
  shims?: Record<string, string>;
  log?: Log;
}

export interface Embedded {
  transport: Transport;
  containerd: Containerd;
  /**
   * Shims and their containers live on, to be found again by the next one that has the same folders.
   * @param leaveMs where there is no next one, how long shims without containers may take to tell their last events and go: milliseconds
   */
  close(leaveMs?: number): Promise<void>;
}

/** Opens everything below root and state, and goes on with the tasks that are found there. */
export async function openEmbedded({ root, state, shims = {}, log = () => undefined }: EmbeddedOptions): Promise<Embedded> {
  const address = join(state, 'containerd.sock');
  const program = process.argv[1] ?? process.execPath;
  const containerd = await openContainerd({
    root,
    state,
    address,
    program,
    shimFolders: [],
    shims,
    log,
    writeLog: () => undefined,
    debug: false,
  });
  const listening = await listenForShims(containerd, address);
  await containerd.restore();
  return {
    transport: embeddedTransport(containerd),
    containerd,
    async close(leaveMs) {
      await listening.close(leaveMs);
      await containerd.close();
    },
  };
}
