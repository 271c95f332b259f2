import { describe, expect, test } from 'vitest';
import type { ContainerRecord } from '../../../src/dockerd/container/record.ts';
import { connectToNetwork, disconnectFromNetwork } from '../../../src/dockerd/network/connect.ts';
import { createNetwork } from '../../../src/dockerd/network/create.ts';
import { endpointIn } from '../../../src/dockerd/network/endpoint.ts';
import { listNetworks, membersOf } from '../../../src/dockerd/network/list.ts';
import { openNetworks } from '../../../src/dockerd/network/open.ts';

const networks = openNetworks('daemon', '2026-01-01T00:00:00Z');
const none = networks.get('none');
const host = networks.get('host');

const container = (Name: string, Status: string, NetworkMode: string, network = none) =>
  ({
    Id: `${Name}-id`,
    Name,
    HostConfig: { NetworkMode },
    State: { Status },
    Networks: { [network.Name]: endpointIn({ Id: `${Name}-id` }, network) },
  }) as unknown as ContainerRecord;

const running = container('web', 'running', 'none');
const ended = container('old', 'exited', 'none');

test('found by name, by id, and by the beginning of an id', () => {
  expect(networks.get(none.Id)).toBe(none);
  expect(networks.get(none.Id.slice(0, 12))).toBe(none);
  expect(() => networks.get('nope')).toThrow('network nope not found');
  expect(() => networks.get('bridge')).toThrow('network bridge not found: this daemon has no bridge yet');
  expect(() => networks.get('')).toThrow('network  not found');
});

test('those who run are in a network', () => {
  const containers = [running, ended].map((record) => ({ record }));
  expect(Object.keys(membersOf(none, containers))).toEqual(['web-id']);
  expect(membersOf(none, containers)['web-id']).toMatchObject({ Name: 'web', IPv4Address: '', MacAddress: '' });
  expect(membersOf(host, containers)).toEqual({});
});

describe('filters', () => {
  const names = (filters: Record<string, string[]>) =>
    listNetworks(networks, [{ record: running }], new Map(Object.entries(filters))).map(({ Name }) => Name);
  test.each<[string, Record<string, string[]>, string[]]>([
    ['none', {}, ['host', 'none']],
    ['driver', { driver: ['null'] }, ['none']],
    ['a part of the name', { name: ['os'] }, ['host']],
    ['a regular expression', { name: ['^n'] }, ['none']],
    ['id', { id: [none.Id.slice(0, 10)] }, ['none']],
    ['custom', { type: ['custom'] }, []],
    ['builtin', { type: ['builtin'] }, ['host', 'none']],
    ['dangling', { dangling: ['true'] }, []],
    ['not dangling', { dangling: ['false'] }, ['host', 'none']],
    ['label', { label: ['a'] }, []],
    ['scope', { scope: ['swarm'] }, []],
  ])('%s', (_, filters, expected) => {
    expect(names(filters).sort()).toEqual(expected);
  });
  test('a type that there is not', () => {
    expect(() => names({ type: ['odd'] })).toThrow("invalid filter: 'type'='odd'");
  });
});

test.each<[string, Parameters<typeof createNetwork>[1], number, string | RegExp]>([
  ['no name', {}, 400, 'invalid name: '],
  ['a bad name', { Name: '-x' }, 400, 'invalid name: -x'],
  ['a name of ours', { Name: 'none' }, 403, 'operation is not permitted on predefined none network '],
  ['a driver with one network', { Name: 'x', Driver: 'host' }, 403, 'only one instance of "host" network is allowed'],
  ['an unknown driver', { Name: 'x', Driver: 'odd' }, 404, 'could not find plugin odd in v1 plugin registry: plugin not found'],
  ['a bridge', { Name: 'x' }, 501, /no driver bridge yet.*--network host/],
])('create: %s', (_, request, status, text) => {
  expect(() => createNetwork(networks, request)).toThrow(expect.objectContaining({ status, message: expect.stringMatching(text) }));
});

test.each<[string, () => never, number, RegExp]>([
  ['already in', () => connectToNetwork(running, none), 403, /endpoint with name web already exists in network none/],
  ['to the host', () => connectToNetwork(running, host), 400, /cannot be disconnected from host network or connected/],
  ['from the host', () => connectToNetwork(container('h', 'running', 'host', host), none), 400, /container sharing network namespace/],
  ['not in', () => disconnectFromNetwork(running, host), 500, /container web-id is not connected to network host/],
  ['the last one', () => disconnectFromNetwork(running, none), 501, /no other network/],
])('connect and disconnect: %s', (_, act, status, text) => {
  expect(act).toThrow(expect.objectContaining({ status, message: expect.stringMatching(text) }));
});
