/** One look at what a container uses. */
import { totalmem } from 'node:os';
import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { MetricsSchema as MetricsV1 } from '../../../proto/io/containerd/cgroups/v1/metrics_pb.ts';
import { MetricsSchema as MetricsV2 } from '../../../proto/io/containerd/cgroups/v2/metrics_pb.ts';
import type { Daemon } from '../../daemon.ts';
import type { Container } from '../containers.ts';
import { isHost } from '../spec/modes.ts';
import { fromV1 } from './from-v1.ts';
import { fromV2 } from './from-v2.ts';
import { readInterfaces } from './interfaces.ts';
import { readMachineCpu } from './machine-cpu.ts';
import { type CgroupStats, noSample, type Sample } from './stats.ts';

/** @throws Error for a message of another kind */
export function cgroupStats({ typeUrl, value }: Pick<Any, 'typeUrl' | 'value'>, memory: number): CgroupStats {
  const type = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  if (type === MetricsV1.typeName) return fromV1(fromBinary(MetricsV1, value), memory);
  if (type === MetricsV2.typeName) return fromV2(fromBinary(MetricsV2, value), memory);
  throw new Error(`the shim tells what is used in a form that is not known: ${typeUrl}`);
}

/** Zeros, read never, for a container that does not run. */
export async function takeSample({ clients }: Pick<Daemon, 'clients'>, { id, record }: Container): Promise<Sample> {
  const { metrics } = await clients.tasks.metrics({ filters: [`id==${id}`] });
  const data = metrics.find((metric) => metric.id === id)?.data;
  if (data === undefined) return noSample();
  const { cpu_stats, ...rest } = cgroupStats(data, totalmem());
  // The host's interfaces are not the container's doing.
  const networks = isHost(record.HostConfig.NetworkMode) || record.State.Pid === 0 ? undefined : readInterfaces(record.State.Pid);
  return {
    ...rest,
    read: new Date().toISOString(),
    cpu_stats: { ...cpu_stats, ...readMachineCpu() },
    ...(networks ? { networks } : {}),
  };
}
