/** What this daemon has not: swarms, plugins, BuildKit. Each says so, where it can in Docker's words. */
import { badRequest, notFound, notImplemented, unavailable } from '../http/api-error.ts';
import { type Route, route } from '../http/router.ts';

const NO_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

const OF_SWARMS = ['swarm', 'nodes', 'services', 'tasks', 'secrets', 'configs'];
const METHODS = ['GET', 'POST', 'DELETE'];

const noManager = () => {
  throw unavailable(NO_MANAGER);
};

export const swarmRoutes = (): Route[] => [
  ...['init', 'join'].map((what) =>
    route('POST', `/swarm/${what}`, () => {
      throw notImplemented('swarms are not supported: this daemon looks after containers of one machine');
    }),
  ),
  ...OF_SWARMS.flatMap((kind) =>
    METHODS.flatMap((method) => [route(method, `/${kind}`, noManager), route(method, `/${kind}/{rest...}`, noManager)]),
  ),
];

export const pluginRoutes = (): Route[] => [
  route('GET', '/plugins', (call) => call.reply(200, [])),
  route('GET', '/plugins/{name...}/json', ({ params }) => {
    throw notFound(`plugin "${params.name}" not found`);
  }),
];

/** What BuildKit's clients ask for first. */
export const buildKitRoutes = (): Route[] =>
  ['/session', '/grpc'].map((path) =>
    route('POST', path, ({ request }) => {
      if (request.headers.upgrade === undefined) throw badRequest('no upgrade proto in request');
      throw notImplemented('BuildKit is not in this daemon; use the classic builder: DOCKER_BUILDKIT=0 docker build …');
    }),
  );
