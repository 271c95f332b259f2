/** GET /containers/json: `docker ps`. */
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import { booleanFilter, type Filters, filters, flag, integer, labelsMatch, type Query } from '../http/query.ts';
import type { Container } from './containers.ts';
import { networksOf } from './inspect.ts';
import { isRunning } from './record.ts';
import { sizesOf } from './sizes.ts';
import { imageNames, summaryOf } from './summary.ts';

const KNOWN = [
  'ancestor',
  'before',
  'expose',
  'exited',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
];
const STATUSES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead'];
const HEALTH = ['starting', 'healthy', 'unhealthy', 'none'];

export async function listContainers(daemon: Daemon, query: Query): Promise<object[]> {
  const wanted = filters(query, KNOWN);
  checkFilters(wanted);
  const limit = integer(query, 'limit') ?? 0;
  // A limit, and some filters, mean those that have ended too.
  const all = flag(query, 'all') || limit > 0 || ['status', 'exited', 'before', 'since'].some((name) => wanted.has(name));
  const matches = await matcher(daemon, wanted);
  const found = newestFirst(daemon.containers.list())
    .filter((container) => all || isRunning(container.record))
    .filter(matches);
  const shown = limit > 0 ? found.slice(0, limit) : found;
  const withSizes = flag(query, 'size');
  const names = await imageNames(daemon, shown);
  return Promise.all(
    shown.map(async (container) => ({
      ...summaryOf(daemon, container, names.get(container.id) as string),
      ...(withSizes ? await sizesOf(daemon, container) : {}),
    })),
  );
}

const newestFirst = (all: Container[]): Container[] => all.sort((a, b) => (a.record.Created < b.record.Created ? 1 : -1));

function checkFilters(wanted: Filters): void {
  for (const status of wanted.get('status') ?? []) {
    if (!STATUSES.includes(status)) throw badRequest(`invalid filter 'status=${status}'`);
  }
  for (const health of wanted.get('health') ?? []) if (!HEALTH.includes(health)) throw badRequest(`invalid filter 'health=${health}'`);
  for (const code of wanted.get('exited') ?? []) if (!/^-?\d+$/.test(code)) throw badRequest(`invalid filter 'exited=${code}'`);
  booleanFilter(wanted, 'is-task');
}

/** @throws 404 when `before` or `since` name no container */
async function matcher(daemon: Daemon, wanted: Filters): Promise<(container: Container) => boolean> {
  const one = (name: string, fits: (value: string) => boolean): boolean => {
    const values = wanted.get(name);
    return values === undefined || values.length === 0 || values.some(fits);
  };
  const created = (name: string) => wanted.get(name)?.map((reference) => daemon.containers.get(reference).record.Created);
  const [before, since] = [created('before'), created('since')];
  const ancestors = await ancestorIds(daemon, wanted.get('ancestor'));
  return (container) => {
    const { record } = container;
    const { State, Config } = record;
    return (
      one('id', (id) => record.Id.startsWith(id)) &&
      one('name', (pattern) => nameMatches(pattern, record.Name)) &&
      one('status', (status) => State.Status === status) &&
      one('exited', (code) => State.StartedAt !== '0001-01-01T00:00:00Z' && !isRunning(record) && State.ExitCode === Number(code)) &&
      one('health', (health) => (State.Health?.Status ?? 'none') === health) &&
      one('network', (name) =>
        Object.entries(networksOf(daemon, container)).some(([own, { NetworkID }]) => own === name || NetworkID.startsWith(name)),
      ) &&
      one('volume', (volume) => record.Mounts.some(({ Name, Source, Destination }) => [Name, Source, Destination].includes(volume))) &&
      one('expose', (port) => exposes(Object.keys(Config.ExposedPorts ?? {}), port)) &&
      one('publish', () => false) &&
      one('is-task', (value) => value === 'false' || value === '0') &&
      labelsMatch(wanted.get('label'), Config.Labels) &&
      (before === undefined || before.every((time) => record.Created < time)) &&
      (since === undefined || since.every((time) => record.Created > time)) &&
      (ancestors === undefined || ancestors.has(record.Image))
    );
  };
}

/** A regular expression, as in Docker; with or without the slash. */
function nameMatches(pattern: string, name: string): boolean {
  try {
    const expression = new RegExp(pattern);
    return expression.test(`/${name}`) || expression.test(name);
  } catch {
    return name === pattern.replace(/^\//, '');
  }
}

/** `80`, `80/udp`, `80-90/tcp`. */
function exposes(ports: readonly string[], wanted: string): boolean {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(wanted) ?? [];
  return ports.some((port) => {
    const [number = '', own = 'tcp'] = port.split('/');
    return own === protocol && Number(number) >= Number(first) && Number(number) <= Number(last);
  });
}

/** Images that are so called, and those that were made of them. */
async function ancestorIds({ images }: Daemon, references: readonly string[] | undefined): Promise<Set<string> | undefined> {
  if (references === undefined) return undefined;
  const ids = new Set<string>();
  const all = await images.list();
  for (const reference of references) {
    const ancestor = await images.get(reference).catch(() => undefined);
    if (!ancestor) continue;
    const layers = ancestor.config.rootfs.diff_ids;
    for (const { id, config } of all) if (layers.every((layer, i) => config.rootfs.diff_ids[i] === layer)) ids.add(id);
  }
  return ids;
}
