/** Removing volumes that no container has any more. */
import { isStatus } from '../http/api-error.ts';
import type { Volume, Volumes } from './volumes.ts';

export interface VolumePruneReport {
  VolumesDeleted: string[];
  /** bytes */
  SpaceReclaimed: number;
}

/** Removes unused volumes. File systems of their own stay, as in Docker: nothing would be gained on this disk. */
export async function pruneVolumes(volumes: Volumes, wanted: (volume: Volume) => boolean): Promise<VolumePruneReport> {
  const report: VolumePruneReport = { VolumesDeleted: [], SpaceReclaimed: 0 };
  for (const volume of volumes.list()) {
    const { Name, Options } = volume;
    if (Object.keys(Options ?? {}).length > 0 || volumes.usedBy(Name).length > 0 || !wanted(volume)) continue;
    try {
      const size = (await volumes.size(Name)) ?? 0;
      await volumes.remove(Name, false);
      report.SpaceReclaimed += size;
      report.VolumesDeleted.push(Name);
    } catch (error) {
      // Taken into use, or removed by somebody else, since it was looked at.
      if (!isStatus(error, 409) && !isStatus(error, 404)) throw error;
    }
  }
  return report;
}
