/** The Introspection service: what the daemon is made of. containerd is made of plugins, and so its clients ask for them. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { type Introspection, PluginSchema } from '../../proto/containerd/services/introspection/v1/introspection_pb.ts';
import { parseFilters } from '../filters.ts';
import { goArchitecture } from '../platform.ts';
import type { Services } from './context.ts';

/** Services that have a plugin of the same name in containerd. */
const GRPC = [
  'containers',
  'content',
  'diff',
  'events',
  'healthcheck',
  'images',
  'introspection',
  'leases',
  'namespaces',
  'snapshots',
  'tasks',
  'version',
];

export const introspectionService = ({ root, snapshots, unusable }: Services): ServiceImpl<typeof Introspection> => {
  const uuid = uuidIn(join(root, 'io.containerd.grpc.v1.introspection'));
  const platforms = [{ os: 'linux', architecture: goArchitecture() }];
  const plugins = [
    { type: 'io.containerd.content.v1', id: 'content', exports: { root: join(root, 'io.containerd.content.v1.content') } },
    ...[...snapshots.keys()].map((id) => ({
      type: 'io.containerd.snapshotter.v1',
      id,
      platforms,
      exports: { root: join(root, `io.containerd.snapshotter.v1.${id}`) },
    })),
    ...unusable.map(({ name, reason }) => ({
      type: 'io.containerd.snapshotter.v1',
      id: name,
      platforms,
      initErr: { code: Code.Unknown, message: reason },
    })),
    { type: 'io.containerd.metadata.v1', id: 'bolt', requires: ['io.containerd.content.v1', 'io.containerd.snapshotter.v1'] },
    { type: 'io.containerd.differ.v1', id: 'walking', requires: ['io.containerd.metadata.v1'], platforms },
    { type: 'io.containerd.event.v1', id: 'exchange' },
    { type: 'io.containerd.gc.v1', id: 'scheduler', requires: ['io.containerd.metadata.v1'] },
    { type: 'io.containerd.runtime.v2', id: 'task', requires: ['io.containerd.event.v1', 'io.containerd.metadata.v1'], platforms },
    ...GRPC.map((id) => ({ type: 'io.containerd.grpc.v1', id })),
  ].map((plugin) => create(PluginSchema, plugin));
  return {
    async plugins({ filters }) {
      const matches = parseFilters(filters);
      const found = plugins.filter((plugin) =>
        matches(([first]) => {
          if (first === 'type') return plugin.type;
          if (first === 'id') return plugin.id;
          return first === 'capabilities' ? plugin.capabilities.join(',') : undefined;
        }),
      );
      return { plugins: found };
    },
    server: async () => ({ uuid, pid: BigInt(process.pid), pidns: BigInt(statSync('/proc/self/ns/pid').ino) }),
  };
};

/** Made once: clients tell servers apart by it. */
function uuidIn(folder: string): string {
  const path = join(folder, 'uuid');
  try {
    const found = readFileSync(path, 'utf8').trim();
    if (found !== '') return found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const made = randomUUID();
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.new`, made);
  renameSync(`${path}.new`, path);
  return made;
}
