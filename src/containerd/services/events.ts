/** The Events service: for clients over gRPC, and for shims over ttrpc. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { Events as ShimEvents } from '../../proto/containerd/services/events/ttrpc/v1/events_pb.ts';
import type { Envelope, Events } from '../../proto/containerd/services/events/v1/events_pb.ts';
import { invalidArgument } from '../errors.ts';
import type { Exchange } from '../events/exchange.ts';
import { scopeOf } from '../scope.ts';

export const eventsService = (events: Exchange): ServiceImpl<typeof Events> => ({
  async publish({ topic, event }, context) {
    events.send(scopeOf(context).namespace, topic, event);
    return {};
  },
  async forward({ envelope }) {
    forward(events, envelope);
    return {};
  },
  subscribe: ({ filters }, context) => events.subscribe(filters, context.signal),
});

export const shimEventsService = (events: Exchange): ServiceImpl<typeof ShimEvents> => ({
  async forward({ envelope }) {
    forward(events, envelope);
    return {};
  },
});

function forward(events: Exchange, envelope: Pick<Envelope, 'namespace' | 'topic' | 'event' | 'timestamp'> | undefined): void {
  if (!envelope) throw invalidArgument('envelope must be given');
  if (!envelope.timestamp) throw invalidArgument('timestamp must be set on forwarded event');
  events.send(envelope.namespace, envelope.topic, envelope.event, envelope.timestamp);
}
