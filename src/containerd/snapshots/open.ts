/** The snapshotters that this machine can have. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openNative } from './native.ts';
import { openOverlay } from './overlay.ts';
import type { Snapshotter } from './snapshotter.ts';

export interface OpenedSnapshotters {
  snapshotters: Snapshotter[];
  /** Those that do not work here, and why. */
  unusable: { name: string; reason: string }[];
}

const KINDS = { overlayfs: openOverlay, native: openNative };

/** Opens each in containerd's folder for it, io.containerd.snapshotter.v1.NAME below root. */
export async function openSnapshotters(root: string): Promise<OpenedSnapshotters> {
  const opened: OpenedSnapshotters = { snapshotters: [], unusable: [] };
  for (const [name, open] of Object.entries(KINDS)) {
    const folder = join(root, `io.containerd.snapshotter.v1.${name}`);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      opened.snapshotters.push(await open(folder));
    } catch (error) {
      opened.unusable.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return opened;
}
