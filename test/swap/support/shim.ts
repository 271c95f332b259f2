/** The real containerd with minirun's shim: under its own name, or in the place of containerd's. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/runc/engine/installed.ts';
import { ociArchive } from './image.ts';
import { eventually, type Sandbox, sandboxWith } from './sandbox.ts';

export const SHIM = join(packageRoot(), 'bin/containerd-shim-minirun-v1');
export const IMAGE = 'docker.io/library/busybox:latest';

export interface ShimPlace {
  place: Sandbox;
  /** Ends containerd, with a signal of kill(1), and waits until it is gone. */
  stop(signal?: string): Promise<void>;
  start(): Promise<void>;
}

/**
 * @param names what containerd is to find the shim as: containerd-shim-minirun-v1, containerd-shim-runc-v2
 * @param settings more of the environment, which the shim inherits
 */
export const containerdWithShim = (names: string[], settings: Record<string, string> = {}): Promise<ShimPlace> =>
  sandboxWith(async (place) => {
    const folder = join(place.folder, 'shims');
    mkdirSync(folder);
    for (const name of names) symlinkSync(SHIM, join(folder, name));
    const env = { PATH: `${folder}:${process.env.PATH}`, ...settings };
    const file = join(place.folder, 'config.toml');
    writeFileSync(file, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
    const begin = () => place.daemon('containerd', ['containerd', '-c', file], ['ctr', 'version'], { env });
    let daemon = await begin();
    const imported = await place.run(['ctr', 'images', 'import', ociArchive(place.folder, IMAGE)]);
    if (imported.code !== 0) throw new Error(`ctr images import: ${imported.err}`);
    return {
      place,
      async stop(signal = 'TERM') {
        // All that pkill can see are the processes of the sandbox.
        await place.run(['pkill', `-${signal}`, '-x', 'containerd']);
        await eventually('containerd ends', () => daemon.exitCode !== null || daemon.signalCode !== null);
      },
      async start() {
        daemon = await begin();
      },
    };
  });
