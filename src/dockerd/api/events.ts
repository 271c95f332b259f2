/** What happens: a stream that lasts. */
import type { Daemon } from '../daemon.ts';
import { type Route, route } from '../http/router.ts';
import { streamEvents } from '../system/event-stream.ts';

export const eventRoutes = ({ events }: Daemon): Route[] => [route('GET', '/events', (call) => streamEvents(events, call))];
