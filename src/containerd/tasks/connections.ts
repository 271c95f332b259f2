/**
 * Connections to shims. A shim may hold many tasks: whether it takes one more is asked, and all of its
 * tasks are looked after, over one connection. It stays for a while when the last of them is gone, as
 * containers come in rows.
 */
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { connectTtrpc, type TtrpcConnection } from '../../shim/ttrpc/client.ts';

export interface Connections {
  /** @param address of a shim @returns the caller's share of the connection, as if it were one of its own */
  to(address: string): TtrpcConnection;
  /**
   * A shim has been started there: who comes now gets a new connection. The one that is there may have been made,
   * by somebody else and a moment ago, to a shim that was about to end, and break only later.
   */
  renew(address: string): void;
  /** Ends all of them. */
  close(): void;
}

interface Shared {
  connection: TtrpcConnection;
  shares: number;
  /** Ends it when nobody has a share. */
  timer?: NodeJS.Timeout | undefined;
}

const LINGER_MS = 10_000;

const pathOf = (address: string): string => address.replace(/^unix:\/\//, '');

export function openConnections(connect: (address: string) => TtrpcConnection = connectTtrpc, lingerMs = LINGER_MS): Connections {
  const all = new Map<string, Shared>();
  const isCurrent = (path: string, shared: Shared) => all.get(path) === shared;
  /** Nobody else is to get it: the shim ends, or has ended, and another one may come to listen there. */
  const forget = (path: string, shared: Shared) => {
    if (isCurrent(path, shared)) all.delete(path);
  };
  const drop = (path: string, shared: Shared) => {
    clearTimeout(shared.timer);
    forget(path, shared);
    shared.connection.close();
  };
  const sharedTo = (path: string): Shared => {
    const known = all.get(path);
    if (known) return known;
    const made: Shared = { connection: connect(path), shares: 0 };
    all.set(path, made);
    void made.connection.closed.then(() => drop(path, made));
    return made;
  };
  return {
    to(address) {
      const path = pathOf(address);
      const shared = sharedTo(path);
      const { connection } = shared;
      shared.shares++;
      clearTimeout(shared.timer);
      return shareOf(connection, {
        unavailable: () => forget(path, shared),
        letGo() {
          if (--shared.shares > 0) return;
          shared.timer = setTimeout(() => drop(path, shared), isCurrent(path, shared) ? lingerMs : 0).unref();
        },
      });
    },
    renew(address) {
      const shared = all.get(pathOf(address));
      if (!shared) return;
      forget(pathOf(address), shared);
      if (shared.shares === 0) drop(pathOf(address), shared);
    },
    close() {
      for (const [path, shared] of all) drop(path, shared);
    },
  };
}

interface Owner {
  unavailable(): void;
  /** Its holder has closed it; called once. */
  letGo(): void;
}

function shareOf({ transport, closed }: TtrpcConnection, owner: Owner): TtrpcConnection {
  const underWay = new Set<(error: ConnectError) => void>();
  let over = () => {};
  const closedHere = new Promise<void>((resolve) => {
    over = resolve;
  });
  let open = true;
  const unary: Transport['unary'] = (method, ...call) =>
    new Promise((resolve, reject) => {
      if (!open) return reject(ended());
      underWay.add(reject);
      const failed = (error: unknown) => {
        if (error instanceof ConnectError && error.code === Code.Unavailable) owner.unavailable();
        reject(error);
      };
      transport
        .unary(method, ...call)
        .then(resolve, failed)
        .finally(() => underWay.delete(reject));
    });
  return {
    transport: { unary, stream: transport.stream },
    closed: Promise.race([closed, closedHere]),
    close() {
      if (!open) return;
      open = false;
      for (const reject of underWay) reject(ended());
      over();
      owner.letGo();
    },
    // A daemon does not end because nothing is under way.
    unref: () => undefined,
  };
}

const ended = (): ConnectError => new ConnectError('ttrpc: closed', Code.Unavailable);
