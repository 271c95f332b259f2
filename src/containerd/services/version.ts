/** The Version service, and gRPC's health check. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { Version } from '../../proto/containerd/services/version/v1/version_pb.ts';
import { type Health, HealthCheckResponse_ServingStatus as Status } from '../../proto/grpc/health/v1/health_pb.ts';

/** The version of containerd whose protocol is spoken, and that it is not containerd. */
export const VERSION = '1.6.20+minirun';

export const versionService = (): ServiceImpl<typeof Version> => ({
  version: async () => ({ version: VERSION, revision: 'minirun' }),
});

export const healthService = (): Partial<ServiceImpl<typeof Health>> => ({
  check: async () => ({ status: Status.SERVING }),
});
