/** The parts of a daemon that images need, over stores in memory. */
import { notFound } from '../../../src/containerd/errors.ts';
import type { Daemon } from '../../../src/dockerd/daemon.ts';
import { type Message, openEvents } from '../../../src/dockerd/events.ts';
import type { Message as Line, Messages } from '../../../src/dockerd/http/messages.ts';
import { keepingStores } from '../../../src/dockerd/image/dangling.ts';
import { openImages } from '../../../src/dockerd/image/open.ts';
import { type TestStores, testStores } from '../containerd/support/stores.ts';

export interface ImageParts {
  daemon: Daemon;
  stores: TestStores;
  /** Containers, by the image's id and what they are called. */
  use(image: string, id: string, running?: boolean): void;
  events(): Pick<Message, 'Action' | 'Actor'>[];
  /** How often all names were listed. */
  lists(): number;
}

export function imageParts(folder: string): ImageParts {
  const memory = testStores(folder);
  let lists = 0;
  const list = () => {
    lists++;
    return memory.images.list();
  };
  const counted = { ...memory, images: { ...memory.images, list } };
  const stores = keepingStores(counted);
  const events = openEvents();
  const containers: object[] = [];
  const clients = {
    // Each layer takes 100 bytes.
    snapshots: {
      usage: async ({ key }: { key: string }) => {
        if (!memory.committed.has(key)) throw notFound(`snapshot ${key}`);
        return { size: 100n, inodes: 1n };
      },
    },
    images: {
      delete: async ({ name }: { name: string }) => {
        if (!memory.named.delete(name)) throw notFound(`image ${name}`);
        return {};
      },
    },
  };
  const parts = { stores, events, clients, containers: { list: () => containers } };
  const images = openImages(stores, clients as never, 'overlayfs');
  return {
    daemon: { ...parts, images } as unknown as Daemon,
    stores: memory,
    use: (Image, Id, running = false) => void containers.push({ record: { Id, Image, State: { Status: running ? 'running' : 'exited' } } }),
    events: () => events.past().map(({ Action, Actor }) => ({ Action, Actor })),
    lists: () => lists,
  };
}

/** What would be sent. */
export function collected(): Messages & { lines: Line[] } {
  const lines: Line[] = [];
  return { lines, send: (line) => void lines.push(line), progress: (line) => void lines.push(line), end: () => undefined };
}
