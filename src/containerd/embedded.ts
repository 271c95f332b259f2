/** containerd inside another program: the same services, without a socket. */
import { createRouterTransport, type Transport } from '@connectrpc/connect';
import type { Containerd } from './containerd.ts';
import { asGrpcError } from './grpc-error.ts';

/**
 * For Connect's createClient. Calls carry the same headers as on a socket: `containerd-namespace`,
 * and `containerd-lease` where wanted.
 */
export const embeddedTransport = (containerd: Containerd): Transport =>
  createRouterTransport(containerd.routes, { router: { interceptors: [asGrpcError(containerd.log)] } });
