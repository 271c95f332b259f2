/** The end of a container, and daemons that are killed in the middle of it. */
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { ended, UNKNOWN } from '../../../src/dockerd/container/exit.ts';
import type { Daemon } from '../../../src/dockerd/daemon.ts';
import { fakeContainer } from './fake-container.ts';

const AT = new Date('2026-01-01T00:00:05.000Z');

/** @param killed the daemon gets no further than to the task's removal */
function daemonThat({ killed = false } = {}): Daemon {
  const notFound = async () => {
    throw new ConnectError('gone', Code.NotFound);
  };
  const remove = killed ? () => new Promise(() => undefined) : notFound;
  return {
    clients: { tasks: { delete: remove }, containers: { delete: notFound } },
    options: { execRoot: '/nonexistent' },
    events: { publish: () => undefined },
    restarts: { exited: () => false },
    log: () => undefined,
  } as unknown as Daemon;
}

function running() {
  const container = fakeContainer();
  Object.assign(container.record.State, { Status: 'running', Pid: 7, StartedAt: '2026-01-01T00:00:00Z' });
  Object.assign(container.record, { Networks: {}, Mounts: [] });
  container.save();
  return container;
}

test('the end is written down and told', async () => {
  const container = running();
  await ended(daemonThat(), container, { exitStatus: 3, exitedAt: timestampFromDate(AT) });
  expect(container.saved().State).toMatchObject({ Status: 'exited', ExitCode: 3, Pid: 0, FinishedAt: AT.toISOString() });
  expect(container.saved()).not.toHaveProperty('Ended');
  expect(container.told).toEqual(['die', '[exited]']);
});

test('a daemon that is killed after the task is gone: the next one knows how it ended', async () => {
  const container = running();
  void ended(daemonThat({ killed: true }), container, { exitStatus: 3, exitedAt: timestampFromDate(AT) });
  await new Promise((resolve) => setImmediate(resolve));
  const found = container.saved();
  expect(found.State.Status).toBe('running');
  const next = running();
  Object.assign(next.record, found);
  await ended(daemonThat(), next, UNKNOWN);
  expect(next.saved().State).toMatchObject({ Status: 'exited', ExitCode: 3, FinishedAt: AT.toISOString() });
});

test('nobody knows: 255, as Docker says', async () => {
  const container = running();
  await ended(daemonThat(), container, UNKNOWN);
  expect(container.saved().State).toMatchObject({ Status: 'exited', ExitCode: 255 });
});
