/** Stats: what a container uses at this moment, in the message of the machine's cgroups. */
import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { MetricsSchema as MetricsV1Schema } from '../../proto/io/containerd/cgroups/v1/metrics_pb.ts';
import { MetricsSchema as MetricsV2Schema } from '../../proto/io/containerd/cgroups/v2/metrics_pb.ts';
import type { CgroupPaths } from '../../runc/compile/cgroup-paths.ts';
import { notFound } from './errors.ts';
import { metricsV1 } from './metrics-v1.ts';
import { metricsV2 } from './metrics-v2.ts';

/** @throws ConnectError where it has no cgroup */
export function metricsOf(paths: CgroupPaths): Any {
  if (Object.keys(paths.v1).length)
    return create(AnySchema, { typeUrl: MetricsV1Schema.typeName, value: toBinary(MetricsV1Schema, metricsV1(paths)) });
  if (paths.v2 === undefined) throw notFound('cgroup does not exist');
  return create(AnySchema, { typeUrl: MetricsV2Schema.typeName, value: toBinary(MetricsV2Schema, metricsV2(paths.v2)) });
}
